import { Flags } from '@oclif/core'
import { installationFlags, reasonFlag } from './flags.ts'

/** Which installation, and by which policy. */
export const snapshotFlags = {
  ...installationFlags,
  policy: Flags.string({
    summary: 'The policy, instead of snapshots.yaml here or in the configuration folder.',
    helpValue: 'FILE',
    env: 'PGCTL_SNAPSHOT_POLICY',
  }),
  records: Flags.string({
    summary:
      "The table of what the scheduled function wrote down, instead of the installation's snapshotTable or the state folder.",
    helpValue: 'TABLE',
    env: 'PGCTL_SNAPSHOT_TABLE',
  }),
}

/** What a command that changes something in the account asks to be typed. */
export const confirmFlag = {
  confirm: Flags.string({
    summary: 'The name of the installation, typed out: nothing is deleted without it.',
    helpValue: 'NAME',
  }),
}

/** Of the commands that open a session: why, and whether the cluster is asked what the data of a point needs. */
export const fingerprintFlag = {
  ...reasonFlag,
  fingerprint: Flags.boolean({
    summary: 'Look at the secrets in the cluster that the data needs, and at what runs on it.',
    default: true,
    allowNo: true,
  }),
}
