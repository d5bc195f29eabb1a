// A program for compile.test.ts: tells what it took from the folder that it was started in.
console.log(JSON.stringify({ env: process.env.FROM_DOTENV, preloaded: Reflect.has(globalThis, "preloaded") }));
