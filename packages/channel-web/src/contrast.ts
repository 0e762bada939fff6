/** Contrast of two colours `#rrggbb`, from 1 to 21: WCAG 2.2, "contrast ratio". */
export function contrastOf(one: string, other: string): number {
  const [darker = 0, lighter = 0] = [luminanceOf(one), luminanceOf(other)].sort((a, b) => a - b)
  return (lighter + 0.05) / (darker + 0.05)
}

/** White or black, whichever is easier to read on a colour. */
export const textColorOn = (color: string): string =>
  contrastOf(color, '#ffffff') >= contrastOf(color, '#000000') ? '#ffffff' : '#000000'

/** Weights of red, green and blue in the relative luminance of WCAG 2.2. */
const WEIGHTS = [0.2126, 0.7152, 0.0722] as const

function luminanceOf(color: string): number {
  return WEIGHTS.reduce((sum, weight, i) => {
    const value = Number.parseInt(color.slice(1 + 2 * i, 3 + 2 * i), 16) / 255
    return sum + weight * (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4)
  }, 0)
}
