import { Args, Flags } from '@oclif/core'
import { ARCHITECTURES, type Architecture } from '#core/image/lock.ts'
import { BaseCommand } from '../../base-command.ts'
import { fetchedDocument, renderFetched } from '../../render/image-lock.ts'

export default class ImageFetch extends BaseCommand {
  static override summary = "Fetch all that the bastion's image is made of, checked against the lock."
  static override description = [
    'Programs are built from the sources that the lock pins, files are checked by signature and digest; what does not fit',
    'is thrown away and ends the command. A tool without a digest is refused unless --without names it. What is in the',
    'folder already, and right, is not fetched again.',
  ].join(' ')
  static override examples = [
    '<%= config.bin %> image fetch --architecture arm64 --into parts',
    '<%= config.bin %> image fetch --into parts --without amazon-ssm-agent',
  ]
  static override enableJsonFlag = true
  static override args = {
    file: Args.string({ description: "The lock; that of this pgctl's own image unless it is given." }),
  }
  static override flags = {
    architecture: Flags.string({
      summary: 'For which machines.',
      options: [...ARCHITECTURES],
      default: 'amd64',
    }),
    into: Flags.string({ summary: 'The folder for it.', helpValue: 'FOLDER', required: true }),
    without: Flags.string({
      summary: 'Do without a tool; may be repeated.',
      helpValue: 'NAME',
      multiple: true,
    }),
    boot: Flags.boolean({ summary: 'Also the kernel and its loader, for a disk that boots by itself.' }),
    mirror: Flags.string({
      summary: 'Ask this in place of where things come from: debian, npm and files/HOST are below it.',
      helpValue: 'URL',
    }),
  }

  override async run(): Promise<object> {
    const { args, flags } = await this.parse(ImageFetch)
    const { readLock, sourcesOf } = await import('../../image-commands.ts')
    const { fetchImageParts } = await import('#core/image/io/fetch.ts')
    const file = await readLock(this.config.root, args.file)
    const fetched = await fetchImageParts(
      file.lock,
      sourcesOf(file, { mirror: flags.mirror, signal: this.signal }),
      {
        architecture: flags.architecture as Architecture,
        without: flags.without ?? [],
        boot: flags.boot,
        into: flags.into,
        lockFile: file.path,
      },
      (what) => this.notice(this.paintNotice('dim', `fetching ${what}`)),
    )
    this.log(renderFetched(fetched))
    return fetchedDocument(fetched)
  }
}
