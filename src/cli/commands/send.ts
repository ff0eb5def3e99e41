export async function run(): Promise<undefined> { return undefined; }
