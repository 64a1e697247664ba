import type { BillingStatement } from '#core/billing/statement.ts'
import { neutralise } from '#core/text/neutralise.ts'
import type { Paint } from './error.ts'

/** The statement as a table. */
export function renderBilling(
  { plan, from, to, currency, lines, cents }: BillingStatement,
  paint: Paint,
): string {
  const rows = [
    ...lines.map(({ item, quantity, cents: cost }) => [item, String(quantity), amount(cost)] as const),
    ['total', '', amount(cents)] as const,
  ]
  const width = (column: 0 | 1 | 2) => Math.max(...rows.map((row) => row[column].length))
  return [
    `${paint('bold', neutralise(plan))}  ${from} to ${to}, in ${currency}`,
    '',
    ...rows.map(
      ([item, quantity, cost]) =>
        `  ${neutralise(item).padEnd(width(0))}  ${quantity.padStart(width(1))}  ${cost.padStart(width(2))}`,
    ),
  ].join('\n')
}

function amount(cents: number): string {
  return (cents / 100).toFixed(2)
}

/** The same for a program; amounts are hundredths of the currency. */
export function billingDocument({ plan, from, to, currency, lines, cents }: BillingStatement): object {
  return { plan, from, to, currency, lines, cents }
}
