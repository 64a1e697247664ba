import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { describe, it } from 'node:test'
import { rdsAuthorities, rootsOf } from '#core/datastores/io/rds-authorities.ts'
import { createAuthority } from '#sandbox/certificates.ts'

/** The regions of RDS whose roots are carried. */
const CARRIED = [
  ...['af-south-1', 'ap-east-1', 'ap-northeast-1', 'ap-northeast-2', 'ap-northeast-3', 'ap-south-1'],
  ...['ap-south-2', 'ap-southeast-1', 'ap-southeast-2', 'ap-southeast-3', 'ap-southeast-4', 'ca-central-1'],
  ...['eu-central-1', 'eu-central-2', 'eu-north-1', 'eu-south-1', 'eu-south-2', 'eu-west-1', 'eu-west-2'],
  ...['eu-west-3', 'me-central-1', 'me-south-1', 'sa-east-1', 'us-east-1', 'us-east-2', 'us-west-1'],
  'us-west-2',
]
/** Regions that came later, and those of partitions that publish their roots elsewhere: `--ca` names those. */
const LACKING = [
  ...['ap-east-2', 'ap-southeast-5', 'ap-southeast-6', 'ap-southeast-7', 'ca-west-1', 'il-central-1'],
  ...['mx-central-1', 'cn-north-1', 'cn-northwest-1', 'us-gov-east-1', 'us-gov-west-1'],
]
const KEYS = {
  RSA2048: { type: 'rsa', size: 2048 },
  RSA4096: { type: 'rsa', size: 4096 },
  ECC384: { type: 'ec', size: 'secp384r1' },
} as const
const IN_TEN_YEARS = Date.now() + 10 * 365 * 24 * 60 * 60 * 1000

describe('the authorities of RDS that pgctl carries', () => {
  for (const region of CARRIED)
    it(`are the three roots of ${region}: whole, signed by themselves, of their region and long valid`, async () => {
      const found = await rdsAuthorities(region)
      assert.equal(found.length, 3)
      const seen = found.map((pem) => {
        const root = new X509Certificate(pem)
        const [, family = ''] =
          new RegExp(`^CN=Amazon RDS ${region} Root CA (\\w+) G1$`, 'm').exec(root.subject) ?? []
        assert.match(root.subject, /^O=Amazon Web Services\\, Inc\.$/m)
        assert.match(root.subject, /^OU=Amazon RDS$/m)
        assert.equal(root.issuer, root.subject)
        assert.ok(root.ca && root.verify(root.publicKey), 'it has not signed itself')
        assert.ok(root.validFromDate.getTime() < Date.now() && root.validToDate.getTime() > IN_TEN_YEARS)
        assert.equal(root.keyUsage, undefined, 'no use of the key beside those of an authority')
        const { type, size } = KEYS[family as keyof typeof KEYS]
        const { asymmetricKeyType, asymmetricKeyDetails } = root.publicKey
        assert.equal(asymmetricKeyType, type)
        assert.equal(asymmetricKeyDetails?.modulusLength ?? asymmetricKeyDetails?.namedCurve, size)
        return family
      })
      assert.deepEqual(seen.sort(), Object.keys(KEYS).sort())
    })

  for (const region of LACKING)
    it(`are none of ${region}`, async () => assert.deepEqual(await rdsAuthorities(region), []))

  it('are no two the same, and of no region beside', async () => {
    const all = (await Promise.all(CARRIED.map(rdsAuthorities))).flat()
    assert.equal(new Set(all.map((pem) => new X509Certificate(pem).fingerprint256)).size, 3 * CARRIED.length)
    for (const region of ['Preview us-east-2', 'Beta us-east-1', 'us-east', '', '.*'])
      assert.deepEqual(
        (await rdsAuthorities(region)).filter((pem) => all.includes(pem)),
        [],
      )
  })
})

describe('the roots among certificates', () => {
  it('are those that bear the name of a root of the region, whole', async () => {
    const named = async (name: string) => (await createAuthority(name)).certificate
    const root = await named('Amazon RDS eu-central-1 Root CA ECC384 G1')
    const others = await Promise.all(
      [
        'Amazon RDS eu-central-2 Root CA ECC384 G1',
        'Amazon RDS Beta eu-central-1 Root CA ECC384 G1',
        'Amazon RDS eu-central-1 Root CA ECC384 G12',
        'Amazon RDS eu-central-1 Root CA',
        'Amazon RDS eu-central-1 2019 CA',
        'Amazon RDS eu-central-1 Root CA RSA1024 G1',
      ].map(named),
    )
    assert.deepEqual(rootsOf('eu-central-1', [...others, root, '', 'no PEM']), [root])
  })
})
