import { Args, Flags } from '@oclif/core'
import { ARCHITECTURES, type Architecture } from '#core/image/lock.ts'
import { BaseCommand } from '../../base-command.ts'

export default class ImageSeal extends BaseCommand {
  static override summary = 'Write into a tree of the image what it is made of.'
  static override description = [
    'The bill of materials (CycloneDX), a record of versions, and last a manifest of all its files, whose digest is',
    'printed: the AMI is tagged with it, and pgctl image verify compares the files with it. The same tree gets the same',
    'digest.',
  ].join(' ')
  static override examples = ['<%= config.bin %> image seal /mnt/tree --architecture arm64']
  static override enableJsonFlag = true
  static override args = {
    tree: Args.string({ description: 'The folder of the tree.', required: true }),
  }
  static override flags = {
    lock: Flags.string({
      summary: "The lock that it was made by; that of this pgctl's own image unless it is given.",
      helpValue: 'FILE',
    }),
    architecture: Flags.string({
      summary: 'For which machines.',
      options: [...ARCHITECTURES],
      default: 'amd64',
    }),
    without: Flags.string({
      summary: 'A tool of the lock that it does without; may be repeated.',
      helpValue: 'NAME',
      multiple: true,
    }),
  }

  override async run(): Promise<object> {
    const { args, flags } = await this.parse(ImageSeal)
    const { checkFolder, readLock } = await import('../../image-commands.ts')
    const { digestOf } = await import('#core/image/io/digest.ts')
    const { sealTree } = await import('#core/image/io/seal.ts')
    const tree = await checkFolder(args.tree, 'the tree')
    const { lock, path } = await readLock(this.config.root, flags.lock)
    const seal = await sealTree(
      tree,
      {
        lock,
        architecture: flags.architecture as Architecture,
        without: flags.without ?? [],
        version: this.config.version,
      },
      await digestOf(path),
    )
    this.log(seal.digest)
    return seal
  }
}
