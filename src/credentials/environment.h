/*
 * environment.h
 *	  Values of AWS's environment variables and profiles other than
 *	  credentials: region and endpoints. The environment is that of the server
 *	  process. Strings are valid until AWS's files are read again.
 */
#ifndef HL_CREDENTIALS_ENVIRONMENT_H
#define HL_CREDENTIALS_ENVIRONMENT_H

#include "postgres.h"

/* The value of a variable; NULL: unset, empty or blank. */
extern const char *hl_environment_variable(const char *name);

/*
 * The name of the current profile. *by is the setting or variable that names
 * it, or NULL.
 */
extern const char *hl_environment_profile(const char **by);

/*
 * A property of the current profile; NULL: not set. Throws 55000 if the config
 * file has a fault.
 */
extern const char *hl_environment_property(const char *name);

/*
 * A boolean of the environment, else of the profile. Throws 55000 if it is
 * neither true nor false.
 */
extern bool hl_environment_switch(const char *variable, const char *property);

/*
 * The endpoint configured for a service ("healthlake", "sts", "sso"); NULL:
 * none. *from is the setting that has it. Throws 55000 if the configuration is
 * invalid.
 */
extern const char *hl_environment_endpoint(const char *service,
										   const char **from);

#endif
