const script = import.meta.url

/** Where the console is, with a slash at its end. Its scripts lie below, in `assets/`. */
export const consoleUrl = new URL('../', script)

/** Where the reference of all APIs is. */
export const docsUrl = new URL('../docs', consoleUrl)

/** Where the admin API of the same server is. */
export const apiUrl = new URL('../admin/v1/', consoleUrl)
