import { Flags } from '@oclif/core'
import { BaseCommand } from '../../base-command.ts'
import { judgementsDocument, renderJudgements } from '../../render/image-checks.ts'
import { lockDocument, renderLock } from '../../render/image-lock.ts'

export default class ImageVerify extends BaseCommand {
  static override summary = 'Check that a bastion, or a tree of its image, is as it should be.'
  static override description = [
    'Without flags the machine is checked that this runs on: packages, files and their rights, units, sockets, kernel',
    'settings, accounts, and that no file has changed since the image was sealed. Some of it only root can see. With',
    '--tree a folder is checked, in which nothing runs, and so less is asked; with --lock a lock, by which an image could be',
    'built or not. What is checked of the others is data: packer/checks.yaml. The exit status is 5 when a check',
    'fails.',
  ].join(' ')
  static override examples = [
    '<%= config.bin %> image verify',
    '<%= config.bin %> image verify --tree /mnt/tree --json',
    '<%= config.bin %> image verify --only no-ssh-server',
  ]
  static override enableJsonFlag = true
  static override flags = {
    tree: Flags.string({ summary: 'Check the tree in this folder.', helpValue: 'FOLDER' }),
    lock: Flags.string({ summary: 'Check this lock.', helpValue: 'FILE', exclusive: ['tree'] }),
    checks: Flags.string({ summary: 'Other checks than those of this pgctl.', helpValue: 'FILE' }),
    only: Flags.string({
      summary: 'Only the check of this id; may be repeated.',
      helpValue: 'ID',
      multiple: true,
    }),
    skip: Flags.string({
      summary: 'Leave out the check of this id; may be repeated.',
      helpValue: 'ID',
      multiple: true,
    }),
  }

  override async run(): Promise<object> {
    const { flags } = await this.parse(ImageVerify)
    if (flags.lock !== undefined) return this.#verifyLock(flags.lock)
    const { verifyImage } = await import('../../image-verify.ts')
    const verified = await verifyImage(this.config.root, { ...flags, signal: this.signal })
    this.log(renderJudgements(verified, this.paint))
    if (verified.judgements.some(({ passed }) => !passed)) this.unhealthy()
    return judgementsDocument(verified)
  }

  async #verifyLock(path: string): Promise<object> {
    const { readLock } = await import('../../image-commands.ts')
    const { judgeLock } = await import('#core/image/judge-lock.ts')
    const { lock } = await readLock(this.config.root, path)
    const findings = judgeLock(lock)
    this.log(renderLock(lock, findings, this.paint))
    if (findings.length > 0) this.unhealthy()
    return lockDocument(lock, findings)
  }
}
