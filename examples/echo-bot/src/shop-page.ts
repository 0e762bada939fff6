const PLANTS = [
  { name: 'Boston fern', price: '24 €', words: 'Soft, green, and fond of bathrooms.', hue: 140 },
  { name: 'Monstera', price: '38 €', words: 'Big leaves for big corners.', hue: 110 },
  { name: 'Snake plant', price: '19 €', words: 'Forgives everything.', hue: 85 },
]

const plant = ({ name, price, words, hue }: (typeof PLANTS)[number]): string => `
    <article>
      <svg viewBox="0 0 300 220" aria-hidden="true">
        <rect width="300" height="220" fill="hsl(${hue} 35% 88%)"/>
        <g fill="none" stroke="hsl(${hue} 40% 34%)" stroke-width="9" stroke-linecap="round">
          <path d="M150 170C150 120 120 90 84 76M150 170C150 110 150 80 150 46M150 170C150 120 180 90 216 76M150 170C146 140 118 128 96 126M150 170C154 140 182 128 204 126"/>
        </g>
        <path d="M112 166h76l-9 44h-58z" fill="hsl(22 45% 58%)"/>
      </svg>
      <h2>${name}</h2>
      <p>${words}</p>
      <strong>${price}</strong>
    </article>`

/** A page of a shop. One line of it is the chat. */
export const shopPage = (script: string): string => `<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>Fern &amp; Moss</title>
  <style>
    body { margin: 0; color: #20241f; background: #f7f5ef; font: 17px/1.5 system-ui, sans-serif; }
    header, main { max-width: 1040px; margin: 0 auto; padding: 24px; }
    header { display: flex; justify-content: space-between; font-weight: 600; }
    h1 { max-width: 14em; margin: 32px 0 40px; font-size: 44px; line-height: 1.1; }
    section { display: grid; grid-template-columns: repeat(auto-fill, minmax(240px, 1fr)); gap: 24px; }
    article { overflow: hidden; padding-bottom: 20px; border-radius: 20px; background: #fff; }
    article > :not(svg) { margin: 4px 20px; }
    article h2 { margin-top: 14px; font-size: 19px; }
  </style>
</head>
<body>
  <header><span>Fern &amp; Moss</span><span>Basket (0)</span></header>
  <main>
    <h1>Plants for people who forget to water.</h1>
    <section>${PLANTS.map(plant).join('')}
    </section>
  </main>
  <script src="${script}" defer></script>
</body>
</html>
`
