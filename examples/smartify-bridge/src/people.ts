import { type FileHandle, open, readFile } from 'node:fs/promises'

/** A person of the other network, and who they are in Smartify. */
export interface Person {
  /** In the other network. */
  address: string
  /** The anonymous users that they are and were; the last one is the one that `token` is of. */
  userIds: string[]
  token: string
  /** The request that their messages go to. */
  requestId: string
}

/**
 * The people that the bridge knows, in a file that survives it: a line for each thing learned, on disk before it is made
 * use of. The last line of a person counts.
 */
export class People {
  readonly #file: FileHandle
  readonly #byAddress = new Map<string, Person>()
  readonly #byRequest = new Map<string, string>()

  private constructor(file: FileHandle, text: string) {
    this.#file = file
    for (const line of text.split('\n')) {
      const person = parseLine(line)
      if (person) this.#remember(person)
    }
  }

  static async open(path: string): Promise<People> {
    const file = await open(path, 'a')
    const text = await readFile(path, 'utf8')
    // A line that a crash truncated is separate, and cannot be parsed.
    if (text !== '' && !text.endsWith('\n')) await file.write('\n')
    return new People(file, text)
  }

  find(address: string): Person | undefined {
    return this.#byAddress.get(address)
  }

  /** Whose request it is, or was. */
  ofRequest(requestId: string): Person | undefined {
    const address = this.#byRequest.get(requestId)
    return address === undefined ? undefined : this.#byAddress.get(address)
  }

  async save(person: Person): Promise<Person> {
    await this.#file.write(`${JSON.stringify(person)}\n`)
    await this.#file.datasync()
    this.#remember(person)
    return person
  }

  close(): Promise<void> {
    return this.#file.close()
  }

  #remember(person: Person): void {
    this.#byAddress.set(person.address, person)
    this.#byRequest.set(person.requestId, person.address)
  }
}

function parseLine(line: string): Person | undefined {
  try {
    return JSON.parse(line) as Person
  } catch {
    return undefined
  }
}
