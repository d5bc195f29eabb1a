// Stands between an agent and its controller, and cuts each connection once both have spoken and the agent speaks again:
// bun relay.ts CONTROLLER. Says a line for each.
import { createConnection, createServer } from "node:net";
import { relayPort } from "./reconnecting.ts";

const [host = ""] = process.argv.slice(2);

const server = createServer((agent) => {
  const controller = createConnection({ host, port: 842 });
  let answered = false;
  const cut = () => {
    agent.destroy();
    controller.destroy();
  };
  for (const end of [agent, controller]) end.on("error", cut).on("close", cut);
  controller.on("data", (chunk) => {
    answered = true;
    agent.write(chunk);
  });
  agent.on("data", (chunk) => {
    if (!answered) {
      controller.write(chunk);
      return;
    }
    console.log("cut");
    cut();
  });
});
server.listen(relayPort, "127.0.0.1");
