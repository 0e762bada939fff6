import UPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'

/** How a line looks: by colour and by its dashes. */
type LineKind = 'in' | 'out' | 'ok' | 'bad'

export interface Lines {
  /** Times of the points, in seconds since 1970. */
  at: readonly number[]
  series: readonly { label: string; kind: LineKind; values: readonly (number | null)[] }[]
}

const HEIGHT = 192

const LOOKS: Readonly<Record<LineKind, { color: string; dash?: number[] }>> = {
  in: { color: '--accent' },
  out: { color: '--quiet', dash: [6, 4] },
  ok: { color: '--ok', dash: [2, 3] },
  bad: { color: '--bad' },
}

/** Draws lines into an element, as wide as it is. */
export function drawLines(place: HTMLElement, first: Lines): { show(lines: Lines): void; destroy(): void } {
  let lines = first
  let plot = create()
  function create(): UPlot {
    const quiet = colorOf('--quiet')
    const axis = {
      stroke: quiet,
      font: `12px ${getComputedStyle(place).fontFamily}`,
      grid: { stroke: colorOf('--line'), width: 1 },
      ticks: { show: false },
    }
    return new UPlot(
      {
        width: Math.max(200, place.clientWidth),
        height: HEIGHT,
        legend: { show: false },
        cursor: { y: false, drag: { x: false, y: false } },
        scales: { y: { range: (_, __, max) => [0, Math.max(1, max * 1.1)] } },
        axes: [
          // Whole minutes and more, in seconds.
          {
            ...axis,
            size: 28,
            incrs: [60, 300, 600, 900, 1_800, 3_600],
            values: (_, times) => times.map((time) => clock.format(time * 1_000)),
          },
          { ...axis, size: 44 },
        ],
        series: [
          {},
          ...lines.series.map(({ label, kind }) => {
            const { color, dash } = LOOKS[kind]
            return {
              label,
              stroke: colorOf(color),
              width: 1.75,
              points: { show: false },
              ...(dash && { dash }),
            }
          }),
        ],
      },
      dataOf(lines),
      place,
    )
  }
  // A canvas takes no custom properties, so it is drawn anew when the colours change.
  const again = () => {
    plot.destroy()
    plot = create()
  }
  const theme = new MutationObserver(again)
  theme.observe(document.documentElement, { attributeFilter: ['data-theme'] })
  const system = matchMedia('(prefers-color-scheme: dark)')
  system.addEventListener('change', again)
  const size = new ResizeObserver(() =>
    plot.setSize({ width: Math.max(200, place.clientWidth), height: HEIGHT }),
  )
  size.observe(place)
  return {
    show(next) {
      lines = next
      plot.setData(dataOf(next))
    },
    destroy() {
      theme.disconnect()
      size.disconnect()
      system.removeEventListener('change', again)
      plot.destroy()
    },
  }
}

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })

const dataOf = ({ at, series }: Lines): UPlot.AlignedData => [
  [...at],
  ...series.map(({ values }) => [...values]),
]

/** The colour of a custom property, as a canvas takes it. */
function colorOf(property: string): string {
  const probe = document.createElement('span')
  probe.style.color = `var(${property})`
  document.body.append(probe)
  const { color } = getComputedStyle(probe)
  probe.remove()
  return color
}
