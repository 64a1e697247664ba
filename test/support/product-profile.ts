import { readFileSync } from 'node:fs'
import { parseProfile } from '#core/installation/profile.ts'

/** The profile that ships. */
export const PARAGON = parseProfile(
  readFileSync(new URL('../../profiles/paragon.yaml', import.meta.url), 'utf8'),
  'profiles/paragon.yaml',
)
