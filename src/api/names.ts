import { pathEncode } from "../base/names.ts";

export const controllerName = "org.eclipse.bluechi";
export const agentName = "org.eclipse.bluechi.Agent";

/** The root object, of the controller and of an agent alike. */
export const rootPath = "/org/eclipse/bluechi";
export const metricsPath = `${rootPath}/metrics`;
export const clusterPath = `${rootPath}/cluster`;

export const nodePath = (name: string): string => `${rootPath}/node/${pathEncode(name)}`;
/** What the paths of jobs begin with. */
export const jobsPath = `${rootPath}/job/`;
export const jobPath = (id: number): string => `${jobsPath}${id}`;
export const monitorPath = (id: number): string => `${rootPath}/monitor/${id}`;
