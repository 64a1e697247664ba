/** A Packer template as text: what the fields of a block are, and the template as an older Packer can read it. */

/** The names in a block, those of blocks in it included, each once however often it is there. */
export function attributesOf(template: string, head: string): Set<string> {
  const names = new Set<string>()
  for (const line of bodyOf(template, head)) {
    const [, name] = /^ {2}([a-z_0-9]+)\s*(?:=|\{)/.exec(line) ?? []
    if (name !== undefined) names.add(name)
  }
  return names
}

/** What Packer 1.6.6 does not know. */
const TOO_NEW_BLOCKS = ['metadata_options', 'deregistration_protection']
const TOO_NEW_FIELDS = [
  'boot_mode',
  'imds_support',
  'deprecate_at',
  'temporary_key_pair_type',
  'temporary_security_group_source_public_ip',
]

export interface BuildAgainst {
  readonly endpoint: string
  readonly sourceAmi: string
}

/**
 * The template without what Packer 1.6.6 does not know; with `against` also without what needs an instance that
 * answers: no emulator has one.
 */
export function olderTemplate(template: string, against?: BuildAgainst): string {
  let text = withoutBlock(template, 'packer', '')
  for (const name of TOO_NEW_BLOCKS) text = withoutBlock(text, name, '  ')
  for (const name of TOO_NEW_FIELDS) text = text.replace(new RegExp(`^  ${name}\\s+=.*\\n`, 'm'), '')
  if (against === undefined) return text
  for (const name of ['provisioner', 'post-processor'])
    while (new RegExp(`^  ${name} "`, 'm').test(text)) text = withoutBlock(text, name, '  ')
  text = withoutBlock(text, 'source_ami_filter', '  ')
  const settings = [
    `  source_ami = "${against.sourceAmi}"`,
    `  custom_endpoint_ec2 = "${against.endpoint}"`,
    '  communicator = "none"',
    ...['region_validation', 'credential_validation', 'metadata_api_check'].map(
      (name) => `  skip_${name} = true`,
    ),
  ]
  // It keeps no keys of the account's key service, and copies no AMI to encrypt it.
  return text
    .replace(/^ {2}(encrypt_boot|kms_key_id|ssh_username)\s+=.*\n/gm, '')
    .replace(/^source "amazon-ebssurrogate" "bastion" \{\n/m, (head) => `${head}${settings.join('\n')}\n`)
}

function bodyOf(template: string, head: string): string[] {
  const lines = template.split('\n')
  const from = lines.indexOf(`${head} {`)
  if (from < 0) throw new Error(`there is no ${head}`)
  return lines.slice(from + 1, lines.indexOf('}', from))
}

function withoutBlock(text: string, name: string, indent: string): string {
  const pattern = new RegExp(`^${indent}${name}(?: "[^"]*")* \\{\\n[\\s\\S]*?^${indent}\\}\\n`, 'm')
  if (!pattern.test(text)) throw new Error(`there is no block ${name}`)
  return text.replace(pattern, '')
}
