import { Writable } from 'node:stream'
import { runCommand } from '#core/ssm/io/exec.ts'

type Command = Omit<Parameters<typeof runCommand>[0], 'stdout' | 'stderr'>

/** What a command on the bastion prints on its standard output, read to its end; the rest is let go. */
export async function outputOf(command: Command, signal: AbortSignal): Promise<string> {
  const parts: Uint8Array[] = []
  const stdout = new Writable({
    write(chunk: Uint8Array, _encoding, callback) {
      parts.push(chunk.slice())
      callback()
    },
  })
  const stderr = new Writable({ write: (_chunk, _encoding, callback) => callback() })
  await runCommand({ ...command, stdout, stderr }, signal)
  return Buffer.concat(parts).toString('utf8')
}
