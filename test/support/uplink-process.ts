// An uplink in a process of its own, to be killed: `node uplink-process.ts PORT`.

import { liveUplink } from './uplink-live.ts'

const port = Number(process.argv[2])
const live = liveUplink({ url: `mqtt://127.0.0.1:${port}`, consumers: [] })
live.uplink.start()
