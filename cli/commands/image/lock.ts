import { Args, Flags } from '@oclif/core'
import { BaseCommand } from '../../base-command.ts'
import { lockDocument, renderLock, renderLockUpdate, updateDocument } from '../../render/image-lock.ts'

export default class ImageLock extends BaseCommand {
  static override summary = "Check the lock of the bastion's image, or fill and renew it."
  static override description = [
    'The lock names all that the image is made of, with version, origin, digests and who signs it. With --update every',
    'tool is fetched or built at the version that the lock names, its signature checked, and its digest written; packages',
    'are taken as the distribution has them now. What changes is shown. The same version with other content is refused',
    'unless --accept names it. The exit status is 5 when an image could not be built by the lock.',
  ].join(' ')
  static override examples = [
    '<%= config.bin %> image lock',
    '<%= config.bin %> image lock packer/tools.lock.json --update --plan',
    '<%= config.bin %> image lock packer/tools.lock.json --update --packages',
    '<%= config.bin %> image lock packer/tools.lock.json --update --mirror https://mirror.example/image',
  ]
  static override enableJsonFlag = true
  static override args = {
    file: Args.string({ description: "The lock; that of this pgctl's own image unless it is given." }),
  }
  static override flags = {
    update: Flags.boolean({ summary: 'Fill and renew it.' }),
    plan: Flags.boolean({ summary: 'Show what an update would change, and write nothing.' }),
    packages: Flags.boolean({ summary: 'Renew only the packages of the distribution.' }),
    mirror: Flags.string({
      summary: 'Ask this in place of where things come from: debian, npm and files/HOST are below it.',
      helpValue: 'URL',
    }),
    accept: Flags.string({
      summary: 'A tool or package whose content may differ although its version does not; may be repeated.',
      helpValue: 'NAME',
      multiple: true,
    }),
  }

  override async run(): Promise<object> {
    const { args, flags } = await this.parse(ImageLock)
    const { readLock, sourcesOf } = await import('../../image-commands.ts')
    const file = await readLock(this.config.root, args.file)
    if (!flags.update && !flags.plan) {
      const { judgeLock } = await import('#core/image/judge-lock.ts')
      const findings = judgeLock(file.lock)
      this.log(renderLock(file.lock, findings, this.paint))
      if (findings.length > 0) this.unhealthy()
      return lockDocument(file.lock, findings)
    }
    const { renewLock } = await import('#core/image/io/renew-lock.ts')
    const renewal = await renewLock(file, sourcesOf(file, { mirror: flags.mirror, signal: this.signal }), {
      accept: flags.accept ?? [],
      planOnly: flags.plan,
      onlyPackages: flags.packages,
      say: (what) => this.notice(this.paintNotice('dim', `fetching ${what}`)),
    })
    this.log(renderLockUpdate(renewal, this.paint))
    if (renewal.findings.length > 0) this.unhealthy()
    return updateDocument(renewal)
  }
}
