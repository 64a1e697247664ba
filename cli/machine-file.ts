import { readFile } from 'node:fs/promises'
import { PgctlError } from '#core/errors.ts'

/** Where the first boot writes which machine this is. */
export const MACHINE_FILE = '/etc/pgctl/instance-id'

/** The id of the machine that this runs on. @throws PgctlError `config-invalid` */
export async function readMachine(path: string): Promise<string> {
  const machine = (await readFile(path, 'utf8')).trim()
  if (/^i-[0-9a-f]{8,17}$/.test(machine)) return machine
  throw new PgctlError('config-invalid', `${path} does not say which machine this is`, {
    next: 'see what the first boot says: journalctl -u pgctl-first-boot',
  })
}
