import { BaseCommand } from '../../base-command.ts'
import { previewDocument, renderPreview } from '../../render/analytics.ts'

export default class AnalyticsPreview extends BaseCommand {
  static override summary = 'Show what a report of use may hold.'
  static override description =
    'Its fields are all that the one door to the vendor lets through; a report with another one is not sent.'
  static override examples = [
    '<%= config.bin %> analytics preview',
    '<%= config.bin %> analytics preview --json',
  ]
  static override enableJsonFlag = true

  override async run(): Promise<object> {
    await this.parse(AnalyticsPreview)
    this.log(renderPreview(this.paint))
    return previewDocument()
  }
}
