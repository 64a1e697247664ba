import { Flags } from '@oclif/core'
import { PgctlError } from '#core/errors.ts'
import { BaseCommand } from '../base-command.ts'
import { installationFlags } from '../flags.ts'

export default class Kubeconfig extends BaseCommand {
  static override summary = "Print a kubeconfig of the installation's cluster, for tools of your own."
  static override description = [
    'It leads through a tunnel in the background, on the same port on every computer: a client that asks for a token',
    'opens the tunnel where it is not there. The certificate is checked against the real name, and there is no secret',
    'in it. Your own kubeconfig is changed only by --merge, which keeps what it was beside it.',
  ].join(' ')
  static override examples = [
    '<%= config.bin %> kubeconfig --write acme.yaml',
    '<%= config.bin %> kubeconfig --merge',
    '<%= config.bin %> kubeconfig --merge --use --installation acme',
  ]
  static override flags = {
    ...installationFlags,
    write: Flags.string({
      summary: 'Write it to a file, for you alone.',
      helpValue: 'FILE',
      exclusive: ['merge'],
    }),
    merge: Flags.boolean({ summary: 'Merge it into the first file of KUBECONFIG, or ~/.kube/config.' }),
    use: Flags.boolean({ summary: 'With --merge, make it the current context.' }),
  }

  override async run(): Promise<void> {
    const { flags } = await this.parse(Kubeconfig)
    const { write, merge, use, ...where } = flags
    if (use && !merge)
      throw new PgctlError('usage', '--use is for --merge', {
        why: 'a file of its own has one context, and that is the current one',
        next: 'add --merge, or leave --use out',
      })
    const { makeKubeconfig } = await import('../standing-kubeconfig.ts')
    const { mergeIntoOwn, ownKubeconfig, writeOurs } = await import('../write-kubeconfig.ts')
    const { printKubeconfig } = await import('#core/kube/merge-kubeconfig.ts')
    const ours = await makeKubeconfig(this.surroundings(where), this.signal)
    const text = printKubeconfig(ours)
    if (write !== undefined) {
      await writeOurs(write, ours, text)
      this.notice(`written to ${write}; use it: export KUBECONFIG=${write}`)
    } else if (merge) {
      const { path, backup } = await mergeIntoOwn(ownKubeconfig(process.env), ours, use ?? false)
      if (backup !== undefined) this.notice(`what ${path} was is in ${backup}`)
      this.notice(`merged into ${path}; use it: kubectl --context ${ours['current-context']} get pods`)
    } else this.log(text.trimEnd())
  }
}
