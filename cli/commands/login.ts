import { Flags } from '@oclif/core'
import { PgctlError } from '#core/errors.ts'
import { systemClock, systemRandom } from '#core/io/system-clock.ts'
import type { OperatorRights } from '#core/kube/operator-desk.ts'
import { BaseCommand } from '../base-command.ts'
import type { Deps } from '../deps.ts'
import { installationFlags, reasonFlag, startFlag } from '../flags.ts'
import { allInOrder } from '../in-order.ts'
import { renderSessionLife, renderSessionWarning } from '../render/session.ts'

export default class Login extends BaseCommand {
  static override summary = 'Open a shell on the bastion.'
  static override description = [
    'Every key travels, Ctrl-C included, and the size follows the window. `exit` or Ctrl-D ends the shell; `~.` at the',
    'start of a line leaves one that no longer answers. On a bastion of our image, kubectl and helm act with your rights:',
    'a short-lived token of the cluster is handed over inside the session when they ask for one.',
  ].join(' ')
  static override examples = [
    '<%= config.bin %> login',
    '<%= config.bin %> login --installation acme --reason "INC-4711: queue is stuck"',
  ]
  static override flags = {
    ...installationFlags,
    ...reasonFlag,
    ...startFlag,
    token: Flags.boolean({
      summary: 'Let kubectl and helm in that shell use your own rights in the cluster, as long as it lasts.',
      default: true,
      allowNo: true,
    }),
  }

  override async run(): Promise<void> {
    const { flags } = await this.parse(Login)
    const { stdin, stdout } = process
    if (!stdin.isTTY || !stdout.isTTY)
      throw new PgctlError('usage', 'login needs a terminal', {
        why: 'input or output is a pipe or a file',
        next: 'run one command instead: pgctl exec -- CMD',
      })
    const { wireInstallation } = await import('../deps.ts')
    const { runLogin } = await import('#core/ssm/io/login.ts')
    const { watchSession } = await import('../session-watch.ts')
    const { OperatorDesk } = await import('#core/kube/operator-desk.ts')
    const deps = await wireInstallation(this.sessionSurroundings(flags))
    const [context, { bastion }] = await allInOrder([deps.sessions(this.signal), deps.bastion(this.signal)])
    await runLogin(
      {
        context,
        request: { target: bastion.id, reason: flags.reason },
        input: stdin,
        output: stdout,
        sideTalk: new OperatorDesk({
          ...{ installation: deps.installation.name, namespace: deps.namespace },
          rights: flags.token ? rightsOf(deps) : undefined,
          ...{ random: systemRandom, clock: systemClock, signal: this.signal },
        }),
        onRaw: (restore) => this.onAbruptEnd(restore),
        onStarted: (run) => watchSession(context, run, (text) => this.#tell(text)),
        onLife: (event) => this.#tell(renderSessionLife(event)),
        onWarning: (warning) => this.#tell(renderSessionWarning(warning)),
      },
      this.signal,
    )
  }

  /** A line of its own, while the terminal is raw. */
  #tell(text: string | undefined): void {
    if (text !== undefined) this.notice(`\r\n${text}\r`)
  }
}

/** What the operator's own credentials can do for a shell on the bastion. */
function rightsOf({ clusterCredentials, identity, inventory }: Deps): OperatorRights {
  return {
    endpoint: (signal) => clusterCredentials.endpoint(signal),
    token: (signal) => clusterCredentials.token({ signal }),
    async datastores(signal) {
      await identity(signal)
      const { datastores, unreadable } = await inventory(['postgres', 'redis'], 'way', signal)
      return {
        datastores,
        unreadable: unreadable.map(({ part, action, error }) => ({ part, action, says: error.message })),
      }
    },
  }
}
