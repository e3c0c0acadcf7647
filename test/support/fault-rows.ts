// Every fault the agent has to survive and every invariant it has to keep, as docs/faults.md shows them. A row is proved by the tests
// that carry its id in their titles; one that none proves says what is open.

export interface FaultRow {
  readonly id: string
  /** What goes wrong. */
  readonly fault: string
  /** What the agent does about it, as an installer or QA sees it. */
  readonly answer: string
  /** What nothing proves yet, and why. */
  readonly open?: string
}

const row = (id: string, fault: string, answer: string, open?: string): FaultRow =>
  open === undefined ? { id, fault, answer } : { id, fault, answer, open }

export const FIELD_FAULTS: readonly FaultRow[] = [
  row('FB1', 'no reply', '`timeout` after the retries; the others keep their slots; `comm_fail`'),
  row('FB2', 'a late reply', 'never taken for another; dropped and counted; quarantine on RTU'),
  row('FB3', 'CRC or parity error', 'the whole frame is refused, one retry, then `crc`'),
  row('FB4', 'exception 1, 2, 3', 'no fast retry; only the register concerned is `exception`'),
  row('FB5', 'exception 4, 7, 8', '`exception`; a `sensor_fault` after a row of them, 8 at once'),
  row('FB6', 'exception 5, 6: busy', 'asked again a little later within the budget, then `busy`'),
  row('FB7', 'exception 10: no path', 'the gateway’s fault: `gateway`, `bus_fault`'),
  row('FB8', 'exception 11: no answer', 'silence of the unit; the gateway counts as well'),
  row('FB9', 'any other exception', 'recorded with its code, never thrown'),
  row('FB10', 'a reply of another unit or function', 'dropped and counted; the wait goes on'),
  row(
    'FB11',
    'split, merged, short, echoed, garbage before',
    'put together by length; else `frame`',
  ),
  row('FB12', 'a frozen value', '`stuck` where the site declared how long; still judged'),
  row('FB13', 'NaN, sentinel, out of range', 'bad before any comparison; clears nothing'),
  row(
    'FB14',
    'a counter whose record numbers begin anew',
    'its records count from there; none twice, none invented',
  ),
  row(
    'FB15',
    'an instrument that restarts',
    'identity asked again before a value counts; `warmup`',
  ),
  row('FB16', 'the cable of a whole bus', 'one `bus_fault` as parent; back by itself'),
  row('FB17', 'a half-open connection', 'opened afresh after three timeouts over all units'),
  row('FB18', 'wrong speed or parity', 'never learns from garbage; `scan` suspects it in words'),
  row(
    'FB19',
    'another instrument at the same address',
    '`identity` until it is the right one; alarm',
  ),
  row('FB20', 'a dead unit that starves the bus', 'parked and probed; no healthy slot is lost'),
  row('FB21', 'an implausible step', '`rate`: uncertain, kept, judged'),
  row('FB22', 'an adapter unplugged or renamed', 'opened by id; waits and comes back by itself'),
]

export const HOST_FAULTS: readonly FaultRow[] = [
  row('HO1', 'kill -9 at any instant', 'alarms, delays, cursors as they stood; `agent_down` slots'),
  row('HO2', 'power loss, torn and reordered writes', 'no record whose commit returned is lost'),
  row('HO3', 'a disk that lies about fsync', 'found at the start, set aside, said; new epoch'),
  row('HO4', 'disk full', 'early alarm, ballast; alarms go on; nothing unconfirmed overwritten'),
  row('HO5', 'read-only, EIO', 'ends with 74, runs from memory, says `stored: false`'),
  row('HO6', 'a damaged file', 'set aside, salvaged, never deleted; the new epoch names the old'),
  row('HO7', 'the wall clock is stepped', 'a new time base; no delay moves; `clock.stepped`'),
  row('HO8', 'a start in 1970', 'monitors at once; readings flagged `clock` until the time is set'),
  row('HO9', 'summer time, time zones', 'UTC inside; schedules hold in the zone of the site'),
  row('HO10', 'a paused process or host', 'said; slots covered once; no burst of polls'),
  row('HO11', 'out of memory', 'as a kill; every queue has a cap'),
  row('HO12', 'the event loop stalls', 'said; no instrument is blamed for it'),
  row('HO13', 'open files and handles leak', 'back to their base after reconnects'),
  row('HO14', 'a second instance', 'refused with 75; the first goes on'),
  row('HO15', 'a migration', 'none so far: a journal of another version is set aside as it is'),
  row('HO16', 'a disk that pauses', 'polling and alarms go on; the alarm leaves as not stored'),
  row('HO17', 'a wait longer than 2³¹ ms', 'cut into pieces by the clock'),
  row('HO18', 'an unexpected failure of code', 'ends; the service manager starts it again'),
]

export const NETWORK_FAULTS: readonly FaultRow[] = [
  row(
    'NE1',
    'the broker is down for days',
    'everything kept, sent in order; a new alarm never waits',
  ),
  row('NE2', 'half-open connection', 'found by keep-alive and by a missing PUBACK'),
  row('NE3', 'slow broker, small window', 'bounded window; memory does not grow'),
  row('NE4', 'certificate expired, wrong name, rotated', 'refused in words; never plaintext'),
  row('NE5', 'two clients with one id', 'told once, not fought with'),
  row('NE6', 'PUBACK lost', 'sent again, byte for byte'),
  row('NE7', 'taken and lost by the broker', '`replay`, watermarks; 0x10 is undelivered'),
  row('NE8', 'duplicated or shuffled on the way', 'a consumer finds holes and doubles by contract'),
  row('NE9', 'refused: ACL, quota, size', 'set aside with an alarm; the rest goes on'),
  row('NE10', 'a message the broker hangs up on', 'set aside after it was in flight three times'),
  row('NE11', 'no name, no route', 'back-off with jitter, at most 60 s'),
  row('NE12', 'the broker came back empty', 'birth, `meta` and every alarm are said again'),
  row('NE13', 'a consumer that is behind', 'its watermark shows it; nothing is removed'),
]

export const PEOPLE_FAULTS: readonly FaultRow[] = [
  row('PE1', 'a bad configuration', 'every fault at once; what runs stays in force'),
  row('PE2', 'a limit moved under an open alarm', 'closed with that reason, judged anew'),
  row('PE3', 'the wrong occurrence, or an old view of it', 'refused, on record'),
  row('PE4', 'the same act twice', 'one change; the second is told so'),
  row('PE5', 'an alarm that returned', 'acknowledged it ends; what ended is refused'),
  row('PE6', 'acknowledge all', 'there is none: each occurrence by name'),
  row('PE7', 'a stolen session', '–', 'there is no console yet; each act authenticates anew'),
  row('PE8', 'a command replayed or delayed', 'expired or used once, also over restarts'),
  row('PE9', 'a malicious payload', 'size, shape, rights in that order; counted'),
  row('PE10', 'an oversize message', 'cut to what the broker takes; else an alarm'),
  row('PE11', 'all alarms at once', 'each recorded; priority 1 first; the horn sounds once'),
  row('PE12', 'a chattering alarm', 'each occurrence recorded; marked as chattering'),
  row('PE13', 'shelving abused', 'reason, expiry, a maximum; what it hid is listed'),
  row('PE14', 'guessing of PINs', 'growing delay for each account'),
  row('PE15', 'the journal edited or cut', 'found by `verify` and at the start'),
  row('PE16', 'the clock set to hide an excursion', 'no delay moves; the step is an alarm'),
]

/** What holds at every moment; the simulation checks most of them after every event. */
export const INVARIANTS: readonly (readonly [id: string, words: string])[] = [
  ['D1', 'every slot of every point has one record'],
  ['D2', 'what was accepted is kept or confirmed'],
  ['D3', 'sequence numbers have no gap and are never reused'],
  ['D4', 'all that was accepted reaches the consumer, in order'],
  ['D5', 'a good value was the instrument’s during the request'],
  ['D6', 'no NaN or sentinel is good; nothing bad has a value'],
  ['D7', 'an age that is told is true'],
  ['D8', 'only what was confirmed and has expired is removed'],
  ['A1', 'each true excursion is one occurrence, and nothing shorter'],
  ['A2', 'an alarm is told in time, also in a drain'],
  ['A3', 'a restart loses no alarm and no delay'],
  ['A4', 'no transition but those listed, each with a record'],
  ['A5', 'bad data clears nothing; its loss alarms'],
  ['A6', 'an act changes the occurrence it names, once'],
  ['A7', 'a new excursion is a new occurrence'],
  ['A8', 'the consumer sees the alarms the agent has'],
  ['A9', 'what is shelved is still judged'],
  ['U1', 'the chain is unbroken'],
  ['U2', 'a state changes with its record, or not at all'],
  ['U3', 'an edit, removal or cut is found'],
  ['U4', 'every act says who, what, when and why'],
  ['B1', 'one request at a time on a line, with its silence'],
  ['B2', 'a dead unit costs a healthy slot one probe at most'],
  ['B3', 'no request to a unit in quarantine'],
  ['B4', 'no write leaves for an instrument'],
  ['S1', 'every queue has a cap'],
  ['S2', 'reconnecting keeps to its back-off'],
  ['S3', 'nothing is thrown past its owner'],
  ['S4', 'exit codes are those of the contract'],
  ['S5', 'monotonic time never goes back'],
  ['S6', 'one seed leaves one trace'],
  ['S7', 'one cause is annunciated once'],
]
