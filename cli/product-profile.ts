import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PgctlError } from '#core/errors.ts'
import { type ProductProfile, parseProfile } from '#core/installation/profile.ts'

/** Reads `profiles/NAME.yaml` of the package at `root`. @throws PgctlError `config-invalid` when there is none. */
export async function readProductProfile(root: string, name: string): Promise<ProductProfile> {
  const path = join(root, 'profiles', `${name}.yaml`)
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    throw new PgctlError('config-invalid', `there is no product profile "${name}"`, {
      why: `${path} cannot be read`,
      next: 'correct "product:" in the installation\'s entry, or add that file',
      cause: error,
    })
  }
  return parseProfile(text, path)
}
