/** The everyday verbs, loaded together: they are small, share what they need, and a file each would cost more to find. */
export * as get from "./get.js";
export * as ls from "./ls.js";
export * as mkdir from "./mkdir.js";
export * as mv from "./mv.js";
export * as open from "./open.js";
export * as put from "./put.js";
export * as rm from "./rm.js";
export * as search from "./search.js";
export * as stat from "./stat.js";
