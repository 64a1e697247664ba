import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type Emulator, startEmulator } from '../support/emulator.ts'
import { attributesOf, olderTemplate } from '../support/packer-template.ts'
import { describeWith, programOf } from '../support/peers.ts'

/**
 * The AMI's template. What can be had here of Packer is 1.6.6 of 2020, and not the plugin that the template asks for.
 * So each part of it is checked in the way that there is:
 *
 * | part | how |
 * | --- | --- |
 * | names of all fields of the source | against the plugin's published fields |
 * | syntax, variables, provisioners, fields that 1.6.6 has | `packer validate` of the template less the rest |
 * | a whole build with those fields | `packer build` against an emulator, less provisioners: an AMI comes out |
 * | the rest (metadata of version 2 only, protection, deprecation) | by its values here; never by a Packer that knows it |
 */

const run = promisify(execFile)
const path = new URL('../../packer/bastion.pkr.hcl', import.meta.url)
const template = await readFile(path, 'utf8')

/** Fields of `amazon-ebssurrogate`, plugin 1.8.2, as far as the template uses them. */
const FIELDS = [
  ...['region', 'ami_name', 'instance_type', 'subnet_id', 'ssh_username', 'source_ami_filter'],
  ...['temporary_security_group_source_public_ip', 'temporary_key_pair_type', 'metadata_options'],
  ...['launch_block_device_mappings', 'ami_root_device', 'ami_architecture', 'ami_virtualization_type'],
  ...['boot_mode', 'ena_support', 'imds_support', 'encrypt_boot', 'kms_key_id', 'deprecate_at'],
  ...['deregistration_protection', 'tags', 'snapshot_tags', 'run_tags'],
]

describe("the AMI's template", () => {
  it('uses fields that the plugin has, and each once', () => {
    const used = attributesOf(template, 'source "amazon-ebssurrogate" "bastion"')
    assert.deepEqual([...used].sort(), [...FIELDS].sort())
  })

  it('makes an image that asks for version 2 of the metadata, is encrypted, ages and is protected', () => {
    for (const line of [
      /^ {2}imds_support\s+= "v2\.0"$/m,
      /^ {4}http_tokens\s+= "required"$/m,
      /^ {4}http_put_response_hop_limit = 1$/m,
      /^ {2}encrypt_boot\s+= true$/m,
      /^ {2}deprecate_at = timeadd\(local\.built, "1440h"\)$/m,
      /^ {2}deregistration_protection \{\n {4}enabled = true$/m,
      /^ {4}volume_type\s+= "gp3"$/m,
    ])
      assert.match(template, line)
  })

  it('holds no key, and no version but that of its own plugin', () => {
    assert.doesNotMatch(template, /AKIA|secret|password/i)
    assert.deepEqual(
      [...template.matchAll(/"(\d+\.\d+\.\d+)"/g)].map(([, version]) => version),
      ['1.8.2'],
    )
  })
})

describeWith(['packer', 'moto'], "the AMI's template, by Packer", { timeout: 120_000 }, () => {
  let folder: string
  let moto: Emulator

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pgctl-packer-'))
    await mkdir(join(folder, 'parts'))
    await writeFile(join(folder, 'parts/tools.lock.json'), '{}')
    // What the template uploads is beside it.
    for (const name of ['build', 'provision', 'root'])
      await symlink(fileURLToPath(new URL(`../../packer/${name}`, import.meta.url)), join(folder, name))
    moto = await startEmulator('moto')
  })
  after(async () => {
    await moto?.[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  })

  /** It says on standard output what is wrong. */
  const packer = (...words: string[]) =>
    run(programOf('packer'), words, {
      cwd: folder,
      env: {
        PATH: process.env['PATH'],
        HOME: folder,
        CHECKPOINT_DISABLE: '1',
        PACKER_PLUGIN_PATH: folder,
        AWS_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE',
        AWS_SECRET_ACCESS_KEY: 'none',
      },
    }).catch((error: { stdout?: string }) => {
      throw new Error(error.stdout ?? String(error))
    })
  const variables = (architecture: string) => [
    ...['-var', `architecture=${architecture}`, '-var', `parts=${join(folder, 'parts')}`],
    ...['-var', 'region=eu-central-1'],
  ]

  for (const architecture of ['amd64', 'arm64'])
    it(`is valid for ${architecture}, as far as this Packer knows its fields`, async () => {
      const file = join(folder, `${architecture}.pkr.hcl`)
      await writeFile(file, olderTemplate(template))
      await packer('validate', ...variables(architecture), file)
    })

  it('is not valid for an architecture that there is none of, and without its variables', async () => {
    const file = join(folder, 'wrong.pkr.hcl')
    await writeFile(file, olderTemplate(template))
    await assert.rejects(packer('validate', ...variables('riscv64'), file), /amd64 or arm64/)
    await assert.rejects(packer('validate', file), /Unset variable|region/)
  })

  it('is in the form that `packer fmt` gives it', async () => {
    const file = join(folder, 'form.pkr.hcl')
    await writeFile(file, template)
    await packer('fmt', file)
    assert.equal(await readFile(file, 'utf8'), template)
  })

  it('builds an AMI in an emulator, with its disks and tags', async () => {
    const file = join(folder, 'build.pkr.hcl')
    await writeFile(file, olderTemplate(template, { endpoint: moto.url, sourceAmi: 'ami-12c6146b' }))
    const { stdout } = await packer('build', '-color=false', ...variables('amd64'), file)
    assert.match(stdout, /AMIs were created:\n\s*eu-central-1: ami-[0-9a-f]+/)
  })
})
