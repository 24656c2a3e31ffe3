// SPDX-License-Identifier: GPL-2.0-or-later

// Linkerd's names. Its injector, its checks and the CNI plugins know by the first that a pod has its rules from it.

export const INIT_CONTAINER = "linkerd-init";
export const PROXY_CONTAINER = "linkerd-proxy";
