import axe from 'axe-core'
import type { Page } from 'playwright-core'

interface Violation {
  id: string
  nodes: { html: string; failureSummary?: string }[]
}

/** Which part of a page, by selectors from the page into shadow roots, and which rules. Default: the whole page, and all. */
export interface AxeOptions {
  within?: readonly string[] | undefined
  rules?: readonly string[] | undefined
}

/** What axe finds wrong with a page, by WCAG 2.2 AA and the good practices that it knows. */
export async function axeFaults(page: Page, options: AxeOptions = {}): Promise<string[]> {
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(axe.source)
  const { violations } = await page.evaluate(async ({ within, rules }) => {
    const { axe } = window as unknown as {
      axe: { run(context: unknown, options: object): Promise<{ violations: Violation[] }> }
    }
    return axe.run(within ? { include: [within] } : document, rules ? { runOnly: rules } : {})
  }, options)
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`),
  )
}
