import assert from 'node:assert/strict'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { peerNamed } from '../peers/table.ts'
import { root } from '../support/image-tree.ts'
import { type Packer, packerIn } from '../support/packer.ts'
import { describeWith } from '../support/peers.ts'

/**
 * The AMI's template as it is committed, read by the Packer and the plugin that it names. Which part of it is checked
 * how:
 *
 * | part | how |
 * | --- | --- |
 * | form, syntax, names and types of all fields | `packer fmt -check`, `packer validate`, for both architectures |
 * | variables, and what they refuse | `packer validate`, here |
 * | source, AMI, tags, what is temporary, provisioners, post-processors | `packer build` in template-build.test.ts |
 * | `packer init`, what the fields do in AWS, the instance's boot and its names of disks | never |
 */

const folder = join(root, 'packer')
const template = await readFile(join(folder, 'bastion.pkr.hcl'), 'utf8')

describe("the AMI's template", () => {
  it('holds no key, and no version but that of its plugin, which is the one that the tests have', () => {
    assert.doesNotMatch(template, /AKIA|secret|password/i)
    assert.deepEqual(
      [...template.matchAll(/"(\d+\.\d+\.\d+)"/g)].map(([, version]) => version),
      [peerNamed('packer-plugin-amazon')?.version],
    )
  })
})

describeWith(
  ['packer', 'packer-plugin-amazon'],
  "the AMI's template, by Packer",
  { timeout: 180_000 },
  () => {
    let home: string
    let parts: string
    let packer: Packer

    before(async () => {
      home = await mkdtemp(join(tmpdir(), 'pgctl-packer-'))
      parts = join(home, 'parts')
      await mkdir(parts)
      for (const name of ['tools.lock.json', 'pgctl.tgz']) await writeFile(join(parts, name), '{}')
      packer = await packerIn(home)
    })
    after(() => rm(home, { recursive: true, force: true }))

    const good = { account: '123456789012', region: 'eu-central-1', architecture: 'amd64' }
    type Values = Readonly<Record<string, string | undefined>>

    /** What it says of the template, or of another, with these variables besides good ones; `''` if it is valid. */
    async function objection(values: Values = {}, place = folder): Promise<string> {
      const words = Object.entries({ ...good, parts, ...values }).flatMap(([name, value]) =>
        value === undefined ? [] : ['-var', `${name}=${value}`],
      )
      const { status, stdout, stderr } = await packer.run('validate', ...words, place)
      assert.equal(status === 0, /^The configuration is valid\.$/m.test(stdout), stdout + stderr)
      return status === 0 ? '' : (stdout + stderr).replaceAll(/\s+/g, ' ')
    }

    it('is in the form that `packer fmt` gives it', async () => {
      const { status, stdout } = await packer.run('fmt', '-check', '-diff', folder)
      assert.equal(status, 0, stdout)
    })

    it('is valid for both architectures, with all that may be given', async () => {
      assert.equal(await objection(), '')
      const more = {
        architecture: 'arm64',
        subnet: 'subnet-0123456789abcdef0',
        kms_key: 'arn:aws:kms:eu-central-1:123456789012:key/0f9c0d3e-5d3b-4a0e-9d4c-9a1f0a3f7c11',
        from: '["198.51.100.0/24"]',
      }
      assert.equal(await objection(more), '')
    })

    it('tells what it wants to know', async () => {
      const { stdout } = await packer.run('inspect', folder)
      for (const name of ['account', 'architecture', 'parts', 'region'])
        assert.match(stdout, new RegExp(`^var\\.${name}: "<unknown>"$`, 'm'))
      assert.match(stdout, /^var\.from: "\[\]"$/m)
      assert.match(stdout, /amazon-ebssurrogate\.bastion/)
    })

    const refused: readonly (readonly [string, Values, RegExp])[] = [
      ['an architecture that there is none of', { architecture: 'riscv64' }, /amd64 or arm64/],
      ['an account that is none', { account: '1234' }, /The account is one of AWS, 12 digits/],
      ['a region that is none', { region: 'Frankfurt' }, /The region is one of AWS/],
      ['a subnet that is none', { subnet: 'vpc-0123456789abcdef0' }, /The subnet is one's id/],
      ['a key that is none', { kms_key: 'my key' }, /"my key" is not a valid KMS Key Id/],
      ['everybody at the instance', { from: '["0.0.0.0/0"]' }, /not reached from everywhere/],
      ['a range that is none', { from: '["here"]' }, /Error parsing CIDR/],
      ['parts that are not there', { parts: '/nowhere' }, /The parts lack tools\.lock\.json or pgctl\.tgz/],
      ...['account', 'architecture', 'parts', 'region'].map(
        (name) => [`no ${name}`, { [name]: undefined }, /Unset variable/] as const,
      ),
    ]
    for (const [what, values, why] of refused)
      it(`refuses ${what}`, async () => {
        assert.match(await objection(values), why)
      })

    const faults: readonly (readonly [string, RegExp, string, RegExp])[] = [
      [
        'a field that the plugin has not',
        /imds_support/,
        'imds_suport',
        /An argument named "imds_suport" is not expected here/,
      ],
      ['a version of the metadata that is none', /"v2\.0"/, '"v3.0"', /imds_support values are "v2\.0"/],
      ['tokens that are not asked for clearly', /"required"/, '"perhaps"', /http_tokens requires/],
      ['a way to boot that is none', /"uefi"/, '"floppy"', /invalid boot mode "floppy"/],
      [
        'a root that is no disk of the instance',
        /= "\/dev\/xvdf"\n/,
        '= "/dev/xvdg"\n',
        /no volume with name '\/dev\/xvdf'/,
      ],
      ['another plugin', /"1\.8\.2"/, '"1.8.1"', /not installed: \* github\.com\/hashicorp\/amazon 1\.8\.1/],
    ]
    for (const [what, from, to, why] of faults)
      it(`would not be valid with ${what}`, async () => {
        const place = join(home, 'faulty')
        await mkdir(place, { recursive: true })
        for (const name of ['build', 'provision', 'root'])
          await cp(join(folder, name), join(place, name), { recursive: true })
        assert.match(template, from)
        await writeFile(join(place, 'bastion.pkr.hcl'), template.replace(from, to))
        assert.match(await objection({}, place), why)
      })
  },
)
