import { join } from 'node:path'
import { type PeerOutcome, runPeer } from './peer-process.ts'
import { programOf } from './peers.ts'

/** Packer in a folder of a test, with the plugin that the template names and nothing of this user's. */
export interface Packer {
  readonly program: string
  readonly environment: Readonly<Record<string, string>>
  /** Runs it to its end, in the folder. */
  run(...words: string[]): Promise<PeerOutcome>
}

/** Installs the plugin from its program, as `packer init` would from where it is published. @throws Error if it fails. */
export async function packerIn(folder: string): Promise<Packer> {
  const program = programOf('packer')
  const environment = {
    PATH: process.env['PATH'] ?? '',
    HOME: folder,
    CHECKPOINT_DISABLE: '1',
    PACKER_PLUGIN_PATH: join(folder, 'plugins'),
    PACKER_CONFIG_DIR: folder,
    PACKER_CACHE_DIR: join(folder, 'cache'),
    PACKER_NO_COLOR: '1',
  }
  const packer = {
    program,
    environment,
    run: (...words: string[]) => runPeer(program, words, { environment, cwd: folder }),
  }
  const plugin = ['--path', programOf('packer-plugin-amazon'), 'github.com/hashicorp/amazon']
  const { status, stdout, stderr } = await packer.run('plugins', 'install', ...plugin)
  if (status !== 0) throw new Error(`the plugin cannot be installed: ${stdout}${stderr}`)
  return packer
}
