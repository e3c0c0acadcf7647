// The yardstick: what somebody writes in an afternoon with modbus-serial and mqtt. Polls every device as fast as it answers,
// publishes each poll as one QoS 1 message, stores nothing. Run as a process of its own; prints one JSON line at the end.
// Arguments: modbus port, broker url, devices, points a poll, seconds of warming up (not counted), seconds,
// and the ms between two polls of a device (0: as fast as it answers).

import ModbusRTU from 'modbus-serial'
import mqtt from 'mqtt'

const [modbusPort, brokerUrl, devices, points, warmUp, seconds, interval] = process.argv.slice(2)
const registers = Math.max(16, Number(points) * 2)
const client = await mqtt.connectAsync(brokerUrl ?? '', { protocolVersion: 5 })
const ModbusClient = ModbusRTU.default ?? ModbusRTU

const from = Date.now() + Number(warmUp) * 1000
const until = from + Number(seconds) * 1000
let polls = 0

const nextSlot = (): Promise<void> => {
  const paceMs = Number(interval)
  return new Promise((resolve) => setTimeout(resolve, paceMs - (Date.now() % paceMs)))
}

async function loop(unit: number): Promise<void> {
  const device = new ModbusClient()
  await device.connectTCP('127.0.0.1', { port: Number(modbusPort) })
  device.setID(unit)
  device.setTimeout(1000)
  while (Date.now() < until) {
    if (Number(interval) > 0) await nextSlot()
    const { buffer } = await device.readHoldingRegisters(0, registers)
    const values: Record<string, number> = {}
    for (let index = 0; index < Number(points); index++)
      values[`p${index}`] = buffer.readFloatBE(index * 4)
    await client.publishAsync(`bare/${unit}`, JSON.stringify({ t: Date.now(), ...values }), {
      qos: 1,
    })
    if (Date.now() >= from) polls++
  }
  device.close(() => {})
}

let before = process.cpuUsage()
setTimeout(() => {
  before = process.cpuUsage()
}, Number(warmUp) * 1000)
await Promise.all(Array.from({ length: Number(devices) }, (_, index) => loop(index + 1)))
const cpu = process.cpuUsage(before)
const elapsed = (Date.now() - from) / 1000
process.stdout.write(
  `${JSON.stringify({
    pollsPerSecond: polls / elapsed,
    cpuSecondsPer10k: ((cpu.user + cpu.system) / 1e6 / polls) * 10_000,
    rssMb: process.memoryUsage().rss / 1e6,
  })}\n`,
)
process.exit(0)
