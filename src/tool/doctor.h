/* SPDX-License-Identifier: MIT */
#ifndef TOOL_DOCTOR_H
#define TOOL_DOCTOR_H

/* `reprise doctor`: the arguments from "doctor" on. Answers the exit status. (rules V93, V94) */
int doctor_command(int argc, char **argv);

extern const char doctor_usage[];

#endif /* TOOL_DOCTOR_H */
