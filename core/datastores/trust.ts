import { rdsBundleUrl, rdsRegion } from '#core/datastores/rds-name.ts'

/** Whose signature on a datastore's certificate is taken. */
export type Trusted =
  /** Of the authorities in a file that was named, and of no other. */
  | { readonly kind: 'named'; readonly file: string }
  /** Of the authorities of RDS in a region, which pgctl carries, and of no other. */
  | { readonly kind: 'rds'; readonly region: string }
  /** Of whom this computer trusts. */
  | { readonly kind: 'computer' }

/** For the reason of an error: whose signature would have been taken. */
export function describeTrusted(trusted: Trusted, host: string): string {
  switch (trusted.kind) {
    case 'named':
      return `trusted are the authorities in ${trusted.file} and no others`
    case 'rds':
      return `trusted are the authorities of RDS in ${trusted.region}, as pgctl carries them, and no others`
    case 'computer': {
      const region = rdsRegion(host)
      const lacking = region === undefined ? '' : `; pgctl carries none of RDS in ${region}`
      return `trusted are the authorities that this computer trusts${lacking}`
    }
  }
}

/** What helps where none of them has signed the certificate. */
export function adviseTrust(trusted: Trusted, host: string): string {
  const region = rdsRegion(host)
  if (trusted.kind === 'named' && region !== undefined)
    return `name the file of those that have signed it; without --ca, PGCTL_CA and \`ca\`, those of RDS count`
  if (trusted.kind === 'named')
    return `name the file of those that have signed it; without --ca, PGCTL_CA and \`ca\`, public ones count`
  if (region === undefined)
    return 'AWS shows a certificate of a public authority here: if something else answers on purpose, name its own: --ca FILE'
  return (
    `if RDS has new ones there, get them (curl -fo rds-ca.pem ${rdsBundleUrl(region)}), and add --ca rds-ca.pem, or ` +
    '`ca: FILE` in the configuration; if something else answers on purpose, name its own'
  )
}
