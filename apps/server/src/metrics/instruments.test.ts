import { describe, expect, test } from 'vitest'
import { Counter, Histogram, Metric } from './instruments.js'

describe('metrics in the text format of Prometheus', () => {
  test('shows counters by their labels', () => {
    const metric = new Metric(
      { name: 'things_total', help: 'Things.', type: 'counter', labels: ['kind'] },
      () => new Counter(),
    )
    metric.of('a').add()
    metric.of('a').add(2)
    metric.of('b"\\').add()
    expect(metric.text()).toBe(
      '# HELP things_total Things.\n# TYPE things_total counter\nthings_total{kind="a"} 3\nthings_total{kind="b\\"\\\\"} 1\n',
    )
  })

  test('shows how many observations of a histogram are at or below each bound', () => {
    const metric = new Metric(
      { name: 't', help: 'T.', type: 'histogram', labels: ['m'] },
      () => new Histogram([0.1, 1]),
    )
    for (const seconds of [0.05, 0.1, 0.5, 7]) metric.of('x').observe(seconds)
    expect(metric.text().split('\n').slice(2)).toEqual([
      't_bucket{m="x",le="0.1"} 2',
      't_bucket{m="x",le="1"} 3',
      't_bucket{m="x",le="+Inf"} 4',
      't_sum{m="x"} 7.65',
      't_count{m="x"} 4',
      '',
    ])
  })

  test('shows metrics without labels', () => {
    const metric = new Metric(
      { name: 't', help: 'T.', type: 'histogram', labels: [] },
      () => new Histogram([1]),
    )
    metric.of().observe(2)
    expect(metric.text()).toContain('t_bucket{le="1"} 0\nt_bucket{le="+Inf"} 1\nt_sum 2\nt_count 1')
  })
})
