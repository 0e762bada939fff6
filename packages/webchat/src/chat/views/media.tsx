import type { ComponentChildren } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { Content } from '../content.js'
import { elsewhere, nameIn, safeFile } from '../links.js'
import { fill } from '../words.js'
import { Icon } from './icons.js'
import { useView } from './view.js'

/** Pixels of a side, beyond which a picture is not painted. */
const MAX_PAINTED = 4096

/**
 * A picture. A page may forbid pictures of other sites (`img-src`) and still allow requests to the hub; then a picture of
 * the hub is painted, and any other is a link.
 */
export function Picture({ url, label }: { url: string; label: string }) {
  const { hub, words } = useView()
  const href = safeFile(url)
  const [way, setWay] = useState<'show' | 'paint' | 'link'>('show')
  if (href === undefined) return null
  if (way === 'link') {
    return (
      <a class="file" href={href} {...elsewhere}>
        <Icon name="file" />
        {words.openPicture}
      </a>
    )
  }
  return (
    <a class="picture" href={href} {...elsewhere}>
      {way === 'paint' ? (
        <Painting url={href} label={label} onFail={() => setWay('link')} />
      ) : (
        <img
          src={href}
          alt={label}
          loading="lazy"
          referrerpolicy="no-referrer"
          onError={() => setWay(new URL(href).origin === hub ? 'paint' : 'link')}
        />
      )}
    </a>
  )
}

function Painting({ url, label, onFail }: { url: string; label: string; onFail: () => void }) {
  const canvas = useRef<HTMLCanvasElement>(null)
  useEffect(() => {
    const painted = fetched(url).then((picture) => paint(picture, canvas.current, MAX_PAINTED))
    painted.catch(onFail)
  }, [url])
  return <canvas ref={canvas} role="img" aria-label={label} width={0} height={0} />
}

async function fetched(url: string): Promise<Blob> {
  const response = await fetch(url)
  if (!response.ok) throw new Error(String(response.status))
  return response.blob()
}

/** Paints a picture, smaller if it has longer sides. Rejects if it cannot be read. */
export async function paint(picture: Blob, canvas: HTMLCanvasElement | null, maxSide: number): Promise<void> {
  const bitmap = await createImageBitmap(picture)
  const scale = Math.min(1, maxSide / Math.max(bitmap.width, bitmap.height))
  const context = canvas?.getContext('2d')
  if (!canvas || !context) return
  canvas.width = bitmap.width * scale
  canvas.height = bitmap.height * scale
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height)
}

/** Sound or a film, or a link to it where the page forbids to play it. */
function Player({ kind, url, label }: { kind: 'audio' | 'video'; url: string; label: string }) {
  const [isForbidden, setForbidden] = useState(false)
  if (isForbidden) return <FileLink url={url} name={label} />
  const Tag = kind
  return <Tag controls preload="metadata" src={url} aria-label={label} onError={() => setForbidden(true)} />
}

function FileLink({ url, name }: { url: string; name: string }) {
  const { words } = useView()
  return (
    <a class="file" href={url} download={name} aria-label={fill(words.download, { name })} {...elsewhere}>
      <Icon name="file" />
      <span class="name" dir="auto">
        {name}
      </span>
    </a>
  )
}

export function Media({ content }: { content: Extract<Content, { type: 'media' }> }) {
  const { kind, url, title, caption } = content
  const { words } = useView()
  const href = safeFile(url)
  if (href === undefined)
    return (
      <p class="prose" dir="auto">
        {title ?? words.unknown}
      </p>
    )
  switch (kind) {
    case 'image':
      return (
        <Captioned caption={caption}>
          <Picture url={href} label={title || words.picture} />
        </Captioned>
      )
    case 'audio':
    case 'video':
      return (
        <Captioned caption={caption}>
          <Player kind={kind} url={href} label={title || words[kind]} />
        </Captioned>
      )
    case 'file':
      return <FileLink url={href} name={title || nameIn(href) || words.file} />
  }
}

function Captioned({ caption, children }: { caption: string | undefined; children: ComponentChildren }) {
  if (!caption) return <>{children}</>
  return (
    <figure>
      {children}
      <figcaption dir="auto">{caption}</figcaption>
    </figure>
  )
}
