// Reason codes of MQTT in words, for somebody at a gateway who has to act on them. Pure.

/** A reason code in words with its number as the standard prints it. */
export function reasonText(code: number): string {
  const name = REASONS[code]
  const hex = `0x${code.toString(16).padStart(2, '0').toUpperCase()}`
  return name === undefined ? hex : `${name} (${hex})`
}

/** Names of the codes somebody at a gateway has to act on (MQTT 5 §2.4; 1 to 5 are those of MQTT 3.1.1 §3.2.2.3). */
const REASONS: Readonly<Record<number, string>> = {
  1: 'protocol version not supported',
  2: 'client identifier rejected',
  3: 'server unavailable',
  4: 'bad user name or password',
  5: 'not authorised',
  16: 'no matching subscribers',
  128: 'unspecified error',
  129: 'malformed packet',
  130: 'protocol error',
  131: 'implementation specific error',
  132: 'protocol version not supported',
  133: 'client identifier not valid',
  134: 'bad user name or password',
  135: 'not authorised',
  136: 'server unavailable',
  137: 'server busy',
  138: 'banned',
  139: 'server shutting down',
  141: 'keep alive timeout',
  142: 'session taken over by another client of the same id',
  144: 'topic name invalid',
  147: 'receive maximum exceeded',
  149: 'packet too large',
  150: 'message rate too high',
  151: 'quota exceeded',
  152: 'administrative action',
  153: 'payload format invalid',
  154: 'retain not supported',
  155: 'QoS not supported',
  156: 'use another server',
  157: 'server moved',
  159: 'connection rate exceeded',
  160: 'maximum connect time',
}
