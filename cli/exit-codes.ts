import type { ErrorCode } from '#core/errors.ts'
import type { Verdict } from '#core/license/verdicts.ts'

/** Every exit status of `pgctl`, with the sentence that the help topic shows. */
export const EXIT_STATUSES = {
  0: 'done',
  1: 'failed',
  2: 'wrong usage: an argument, a flag or the configuration file',
  3: 'no such installation, target, service or file, or several that fit',
  4: 'credentials missing, expired or refused',
  5: 'unhealthy: a check failed',
  6: 'permission denied, or the wrong account',
  7: 'cannot reach it, or the session ended',
  130: 'interrupted',
} as const

export type ExitStatus = keyof typeof EXIT_STATUSES

/** The exit status of each failure. A new error code does not compile until it has its row. */
const STATUS_OF = {
  usage: 2,
  'config-invalid': 2,
  'installation-unknown': 3,
  'target-unknown': 3,
  'service-unknown': 3,
  'ambiguous-name': 3,
  'credentials-missing': 4,
  'credentials-expired': 4,
  'credentials-refused': 4,
  'permission-denied': 6,
  'account-mismatch': 6,
  'bastion-missing': 7,
  'bastion-stopped': 7,
  'agent-offline': 7,
  'endpoint-unreachable': 7,
  'stream-url-refused': 7,
  'session-refused': 7,
  'session-lost': 7,
  'session-ended': 7,
  'handshake-failed': 7,
  'encryption-failed': 7,
  'protocol-violation': 7,
  'far-end-refused': 7,
  'cluster-missing': 7,
  'cluster-unreachable': 7,
  throttled: 7,
  'timed-out': 7,
  'port-taken': 1,
  'state-invalid': 1,
  'state-conflict': 1,
  'not-supported': 1,
  'sandbox-running': 1,
  'sandbox-not-running': 1,
  'sandbox-broken': 1,
  'path-unknown': 3,
  'path-unsafe': 1,
  'source-changed': 1,
  'copy-corrupt': 1,
  'disk-full': 1,
  'license-refused': 5,
  unhealthy: 5,
  interrupted: 130,
  failed: 1,
  internal: 1,
} as const satisfies Record<ErrorCode, ExitStatus>

/** The exit status of each verdict on a license: what needs nobody's attention yet passes. */
const STATUS_OF_VERDICT = {
  valid: 0,
  'refresh-due': 0,
  expiring: 0,
  'revocation-pending': 0,
  'clock-suspect': 0,
  grace: 5,
  expired: 5,
  revoked: 5,
  'not-yet-valid': 5,
  'wrong-installation': 5,
  superseded: 5,
  'key-revoked': 5,
  tampered: 5,
  unreadable: 5,
  absent: 5,
} as const satisfies Record<Verdict, ExitStatus>

export function exitStatusOfVerdict(verdict: Verdict): ExitStatus {
  return STATUS_OF_VERDICT[verdict]
}

/** The exit status that the CLI gives for a failure of this code. */
export function exitStatusOf(code: ErrorCode): ExitStatus {
  return STATUS_OF[code]
}

/** The codes behind each status, for the help topic. */
export function codesByStatus(): ReadonlyMap<ExitStatus, readonly ErrorCode[]> {
  const codes = new Map<ExitStatus, ErrorCode[]>()
  for (const code of Object.keys(STATUS_OF) as ErrorCode[]) {
    const status = STATUS_OF[code]
    codes.set(status, [...(codes.get(status) ?? []), code])
  }
  return codes
}
