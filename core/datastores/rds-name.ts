/**
 * What the name of a database of RDS says. The label before the region is the account's own, with what the name stands
 * for in front of it.
 *
 * ```
 *   hermes.3g6aqh0fmpfn.us-east-1.rds.amazonaws.com                    an instance
 *   zeus.cluster-ro-3g6aqh0fmpfn.us-east-1.rds.amazonaws.com           a cluster: also cluster-, cluster-custom-
 *   pool.proxy-3g6aqh0fmpfn.us-east-1.rds.amazonaws.com                a proxy
 *   reads.endpoint.proxy-3g6aqh0fmpfn.us-east-1.rds.amazonaws.com      an endpoint of a proxy
 *   hermes.3g6aqh0fmpfn.rds.cn-north-1.amazonaws.com.cn                China, where the region stands behind
 * ```
 */
export interface RdsName {
  readonly region: string
  /** A proxy shows a certificate of a public authority, all else one of the authorities of RDS. */
  readonly kind: 'database' | 'proxy'
}

const NAME =
  /^(?:[a-z0-9-]+\.)+(?<owner>[a-z0-9-]+)\.(?:(?<region>[a-z]{2,}(?:-[a-z]+)+-\d+)\.rds\.amazonaws\.com(?:\.cn)?|rds\.(?<china>cn(?:-[a-z]+)+-\d+)\.amazonaws\.com\.cn)\.?$/i

/** Undefined for a host that is none of RDS's. */
export function parseRdsName(host: string): RdsName | undefined {
  const { owner = '', region, china } = NAME.exec(host)?.groups ?? {}
  const where = region ?? china
  if (where === undefined) return undefined
  return { region: where.toLowerCase(), kind: /^proxy-/i.test(owner) ? 'proxy' : 'database' }
}

/** The region of a database whose certificate is of the authorities of RDS; undefined for every other host. */
export function rdsRegion(host: string): string | undefined {
  const name = parseRdsName(host)
  return name?.kind === 'database' ? name.region : undefined
}

/** Where RDS publishes the authorities of a region. */
export function rdsBundleUrl(region: string): string {
  const file = `${region}/${region}-bundle.pem`
  if (region.startsWith('cn-')) return `https://rds-truststore.s3.cn-north-1.amazonaws.com.cn/${file}`
  if (region.startsWith('us-gov-')) return `https://truststore.pki.us-gov-west-1.rds.amazonaws.com/${file}`
  return `https://truststore.pki.rds.amazonaws.com/${file}`
}
