/*
 * environment.h
 *	  The values of AWS's environment variables and profiles other than
 *	  credentials: region and endpoints. The variables are those of the server.
 *	  Strings are valid until AWS's files are read again.
 */
#ifndef HL_CREDENTIALS_ENVIRONMENT_H
#define HL_CREDENTIALS_ENVIRONMENT_H

#include "postgres.h"

/* A variable's value; NULL: it is unset, empty or blank. */
extern const char *hl_environment_variable(const char *name);

/* The profile in force; by: who chose it, NULL: nobody. */
extern const char *hl_environment_profile(const char **by);

/*
 * A property of the profile in force; NULL: it has none. Throws 55000 if
 * the config file has a fault: what it says cannot be known.
 */
extern const char *hl_environment_property(const char *name);

/* A switch, of the environment or else of the profile; throws 55000. */
extern bool hl_environment_switch(const char *variable, const char *property);

/*
 * The endpoint that is configured for a service ("healthlake", "sts", "sso");
 * NULL: none. from: who says so. Throws 55000 if that cannot be known.
 */
extern const char *hl_environment_endpoint(const char *service,
										   const char **from);

#endif
