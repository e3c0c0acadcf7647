// Modbus exceptions in words for people at the instrument: what it is called, what it means, what to do. Pure; decides
// nothing about retries (drivers/modbus/exception.ts does).

export interface ExceptionWords {
  readonly code: number
  /** Its name in the Modbus Application Protocol V1.1b3 §7, or what a maker calls it. */
  readonly name: string
  /** What to do, in words. */
  readonly remedy: string
}

const converter = (name: string): Omit<ExceptionWords, 'code'> => ({
  name: `${name} (a code of ICP DAS converters)`,
  remedy: 'the converter got no usable reply from the line; check baud rate, parity and wiring',
})

const WORDS: Readonly<Record<number, Omit<ExceptionWords, 'code'>>> = {
  1: {
    name: 'illegal function',
    remedy:
      'the instrument does not serve this table; try the other one (input_register for holding_register, or the reverse)',
  },
  2: {
    name: 'illegal data address',
    remedy:
      'there is no such register, or the read goes beyond the last one; manuals often count from 1, so try the address ' +
      'one lower and one higher, and a smaller count',
  },
  3: {
    name: 'illegal data value',
    remedy: 'the instrument does not give so many registers at once; ask for fewer',
  },
  4: {
    name: 'device failure',
    remedy:
      'the instrument could not; look at its display and its status registers, then ask again',
  },
  5: {
    name: 'acknowledge',
    remedy: 'the instrument works on something that takes long; ask again in a minute',
  },
  6: {
    name: 'device busy',
    remedy: 'the instrument or gateway is busy, or another client keeps it busy; ask again',
  },
  7: { name: 'negative acknowledge', remedy: 'the instrument refuses; see its manual' },
  8: {
    name: 'memory parity error',
    remedy: 'the memory of the instrument is damaged; have it serviced',
  },
  10: {
    name: 'gateway path unavailable',
    remedy:
      'the gateway does not know this unit id, or its serial side is not set up; correct the unit id, or its settings',
  },
  11: {
    name: 'gateway target failed to respond',
    remedy:
      'the gateway asked and the unit was silent; check unit id, wiring, power, and the baud rate and parity of the gateway',
  },
  65: converter('bad message'),
  66: converter('wrong length'),
  67: converter('CRC error'),
  75: converter('no data in time'),
}

/** An exception code in words; one that no standard defines says so. */
export const exceptionWords = (code: number): ExceptionWords => ({
  code,
  ...(WORDS[code] ?? { name: 'not defined', remedy: 'see the manual of the instrument' }),
})
