import type { Body } from "../base/body.ts";
import type { Clock } from "../base/clock.ts";
import type { Failure } from "../base/failure.ts";
import type { MatchRule } from "./match.ts";

export interface OpenOptions {
  readonly peerToPeer?: boolean;
  readonly clock?: Clock;
  readonly timeoutMs?: number;
}

export interface Call {
  readonly destination?: string;
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  readonly body?: Body;
  readonly timeoutMs?: number;
  readonly noReply?: boolean;
  readonly noAutoStart?: boolean;
}

export interface Reply {
  readonly body: Body;
  readonly order: number;
}

export interface OutgoingSignal {
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  readonly body?: Body;
  readonly destination?: string;
}

export interface Signal {
  readonly sender: string;
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  readonly body: Body;
  readonly order: number;
}

export interface MethodCall extends Signal {
  readonly noReply: boolean;
  reply(body?: Body): void;
  error(failure: Failure): void;
}

export interface Watch {
  cancel(): void;
}

const unbuilt = (): never => {
  throw new Error("signatures only");
};

export class BusConnection {
  readonly uniqueName: string = "";
  static open(_address: string, _options: OpenOptions = {}): Promise<BusConnection> {
    return unbuilt();
  }
  call(_call: Call): Promise<Reply> {
    return unbuilt();
  }
  signal(_signal: OutgoingSignal): void {}
  onSignal(_listener: (signal: Signal) => void): void {}
  onCall(_handler: (call: MethodCall) => void): void {}
  requestName(_name: string): Promise<void> {
    return unbuilt();
  }
  releaseName(_name: string): Promise<void> {
    return unbuilt();
  }
  addMatch(_rule: MatchRule): Promise<void> {
    return unbuilt();
  }
  removeMatch(_rule: MatchRule): Promise<void> {
    return unbuilt();
  }
  /** Calls `gone` once when the owner of a bus name leaves the bus, soon when nobody owns it. */
  watchName(_name: string, _gone: () => void): Watch {
    return unbuilt();
  }
  onClose(_listener: (reason: string) => void): void {}
  pause(): void {}
  resume(): void {}
  close(): void {}
}
