import { Flags } from '@oclif/core'
import { PgctlError } from '#core/errors.ts'
import { COMMANDS, type CommandWithNeeds, commandsFor, needsOf } from '#core/permissions/needs.ts'
import { POLICY_LIMIT, policyFor, policySize } from '#core/permissions/policy.ts'
import { nearest } from '#core/text/nearest.ts'
import { BaseCommand } from '../../base-command.ts'
import { installationFlags } from '../../flags.ts'

export default class IamPolicy extends BaseCommand {
  static override summary = 'Print the smallest IAM policy that lets one work on an installation.'
  static override description = [
    "The policy is bound to the bastion by its tag, to the session documents that are used and to one's own sessions;",
    'what takes no resource is only read. It is for a person, a role or a permission set in the account of the',
    'installation. Rights in the cluster are apart: `pgctl iam kubernetes`.',
  ].join(' ')
  static override examples = [
    '<%= config.bin %> iam policy',
    '<%= config.bin %> iam policy --for tunnel,logs',
    '<%= config.bin %> iam policy --installation acme --for "snapshots prune"',
  ]
  static override enableJsonFlag = true
  static override flags = {
    ...installationFlags,
    for: Flags.string({
      summary: 'Only for these commands, with commas between them; a topic stands for all of its commands.',
      helpValue: 'COMMANDS',
      default: 'status,doctor,tunnel,logs,exec,login,kubectl,helm,run,shell,sessions',
    }),
  }

  override async run(): Promise<object> {
    const { flags } = await this.parse(IamPolicy)
    const commands = chosen(flags.for)
    const { wireInstallation } = await import('../../deps.ts')
    const { readPolicyScope } = await import('../../policy-scope.ts')
    const deps = await wireInstallation(this.surroundings(flags))
    const { scope, unread } = await readPolicyScope(deps, this.signal)
    const policy = policyFor(needsOf(commands), scope)
    if (unread !== undefined)
      this.notice(
        `the session preferences could not be read, so no key of theirs is in the policy: ${unread.message}`,
      )
    const size = policySize(policy)
    if (size > POLICY_LIMIT)
      this.notice(
        `${size} characters are more than a managed policy may have (${POLICY_LIMIT}): make two, by --for`,
      )
    this.log(JSON.stringify(policy, null, 2))
    return policy
  }
}

function chosen(words: string): readonly CommandWithNeeds[] {
  const asked = words
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '')
  return asked.flatMap((word) => {
    const found = commandsFor(word)
    if (found.length > 0) return found
    const [close] = nearest(word, COMMANDS)
    throw new PgctlError('usage', `there is no policy for "${word}"`, {
      why: `there is one for ${COMMANDS.join(', ')}`,
      next: close === undefined ? 'name some of them: --for tunnel,logs' : `did you mean --for "${close}"?`,
    })
  })
}
