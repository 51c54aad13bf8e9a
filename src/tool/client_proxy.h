/* SPDX-License-Identifier: MIT */
#ifndef TOOL_CLIENT_PROXY_H
#define TOOL_CLIENT_PROXY_H

/*
 * The hosts that are asked without the proxy of the environment: this machine, and the hosts of
 * no_proxy. A proxy would get the token of a gateway on this machine, and not reach the gateway.
 * The caller frees the list. NULL: no memory. (rule V88)
 */
char *client_proxy_list_exempt(void);

#endif /* TOOL_CLIENT_PROXY_H */
