import { Flags } from '@oclif/core'
import type { Ms } from '#core/clock.ts'
import { PgctlError } from '#core/errors.ts'
import { parseDuration } from '#core/text/duration.ts'

/** Flags that several commands share: one spelling for one idea. */

/** Which installation, and with which credentials. */
export const installationFlags = {
  installation: Flags.string({
    char: 'i',
    summary: 'The installation to act on (see `pgctl config`).',
    helpValue: 'NAME',
  }),
  region: Flags.string({ summary: "The region, instead of the installation's.", helpValue: 'REGION' }),
  profile: Flags.string({
    summary: "The credentials profile, instead of the installation's.",
    helpValue: 'PROFILE',
  }),
}

/** Why a session is opened; it stands in the customer's own audit log. */
export const reasonFlag = {
  reason: Flags.string({
    summary: 'Why, for the audit log of the account (at most 256 characters).',
    helpValue: 'TEXT',
  }),
}

/** Whether a command that opens a session starts a bastion whose group is at 0. */
export const startFlag = {
  start: Flags.boolean({
    summary: 'Start a bastion that has been stopped, and wait for it.',
    default: true,
    allowNo: true,
  }),
}

/** Whether a command shares a tunnel that goes on without it. */
export const backgroundFlag = {
  background: Flags.option({
    options: ['on', 'off'] as const,
    summary: 'Share a tunnel in the background, or have a session of its own.',
  })(),
}

/** Which sandbox: several run side by side. */
export const sandboxFlag = {
  name: Flags.string({ summary: 'The name of the sandbox.', helpValue: 'NAME', default: 'default' }),
}

/** A license key is a password of the product: it is read from a file, never from an argument. */
export const keyFileFlag = {
  'key-file': Flags.string({
    summary: 'A file with the license key, where no document is installed yet; only its hash is told.',
    helpValue: 'FILE',
  }),
}

/** Whose ledger of what left. */
export const deployedFlag = {
  deployed: Flags.boolean({
    summary: "The ledger of the installation's functions, in its account, instead of this computer's.",
  }),
}

/** Whose switch of reports of use. */
export const analyticsFlags = {
  local: Flags.boolean({ summary: 'Only what this computer may send; the cluster is not asked.' }),
}

/** What a stack is told. */
export const setFlag = {
  set: Flags.string({
    summary: 'A value of the stack, as subnets=subnet-a,subnet-b; may be repeated.',
    helpValue: 'NAME=VALUE',
    multiple: true,
  }),
}

/** A flag's span of time. @throws PgctlError `usage` */
export function parseSpan(flag: string, text: string): Ms {
  const span = parseDuration(text)
  if (span !== undefined) return span
  throw new PgctlError('usage', `${flag} cannot be ${JSON.stringify(text)}`, {
    why: 'it is a span of time',
    next: 'write it as 90s, 10m or 1h30m',
  })
}
