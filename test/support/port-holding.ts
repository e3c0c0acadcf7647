// Another process at a serial port, and the settings of a port as the system has them.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { root } from './processes.ts'

export interface HoldingProcess {
  readonly pid: number
  end(): Promise<void>
}

/** A process that holds a port as an agent does, with its lock, at 9600 8N1. */
export async function holdPort(port: string): Promise<HoldingProcess> {
  const program = `
    import { SerialPort } from 'serialport'
    const port = await SerialPort.binding.open({ path: ${JSON.stringify(port)}, baudRate: 9600, parity: 'none', lock: true })
    console.log('open')
    setInterval(() => port, 1000)
  `
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(child.stdout, 'data')
  return {
    pid: child.pid ?? 0,
    end: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
    },
  }
}

/** Line settings as the system has them, read without opening the port for reading. */
export async function portSettings(port: string): Promise<string> {
  const child = spawn('stty', ['-a', '-F', port], { stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  child.stdout.on('data', (chunk) => {
    text += chunk
  })
  await once(child, 'close')
  return text
}
