/**
 * Every verdict on a license: what a person is told, and what follows. cli/exit-codes.ts has the status of each.
 *
 * `stands` is what matters: as long as it is true, nothing is different. Where it is false the product still runs and
 * everything can be read, backed up, restored and exported; only an upgrade waits.
 */

export type Verdict =
  | 'valid'
  | 'refresh-due'
  | 'expiring'
  | 'revocation-pending'
  | 'clock-suspect'
  | 'grace'
  | 'expired'
  | 'revoked'
  | 'not-yet-valid'
  | 'wrong-installation'
  | 'superseded'
  | 'key-revoked'
  | 'tampered'
  | 'unreadable'
  | 'absent'

export interface VerdictRow {
  readonly sentence: string
  /** Whether the license is in force. */
  readonly stands: boolean
  /** Whether the product may be upgraded: the one thing that a license can hold up. */
  readonly upgrades: boolean
}

const row = (sentence: string, stands: boolean, upgrades: boolean): VerdictRow => ({
  sentence,
  stands,
  upgrades,
})

/** Only an end that the vendor has signed holds up upgrades: no damaged file, and no clock, does. */
export const VERDICTS = {
  valid: row('the license is valid', true, true),
  'refresh-due': row('the license is valid; a fresh document of it is due', true, true),
  expiring: row('the license is valid and ends soon', true, true),
  'revocation-pending': row('the license is valid; the vendor has given notice of its end', true, true),
  'clock-suspect': row(
    'the license is valid at the latest time known here; the clock is behind that',
    true,
    true,
  ),
  grace: row('the license has ended; everything goes on until the grace period is over', true, true),
  expired: row('the license and its grace period have ended; upgrades wait, all else goes on', false, false),
  revoked: row(
    'the license has ended by a notice of the vendor; upgrades wait, all else goes on',
    false,
    false,
  ),
  'not-yet-valid': row('the license has not begun', false, true),
  'wrong-installation': row('the license is for another installation or product', false, true),
  superseded: row('a newer document of this license is installed here', false, true),
  'key-revoked': row('the license is signed by a key that has been revoked', false, true),
  tampered: row('the license was altered, or is signed by a key that this pgctl does not know', false, true),
  unreadable: row('the license cannot be read', false, true),
  absent: row('no license is installed here', false, true),
} as const satisfies Record<Verdict, VerdictRow>
