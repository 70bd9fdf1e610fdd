/*
 * profile.c
 *	  AWS's profile files. A file is first read literally, section by section,
 *	  and then merged into what was read before: what a section's name means
 *	  depends on the file, and on the other sections in it.
 *
 * A file is first read literally, section by section, and then merged into the
 * earlier ones: the meaning of a section's name depends on the file, and on
 * the other sections in it.
 */
#include "aws/profile.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define BLANKS " \t"

/* The reason if memory was missing. */
static const char NO_MEMORY[] = "out of memory";

/* A run of bytes within a file. */
typedef struct Run
{
	const char *start;
	size_t len;
} Run;

/* The state of the reader: the current section and property. */
typedef struct Reader
{
	HlProfiles sections; /* their names are the text in the brackets */
	HlProfile *section;
	HlProfileProperty *property;
	bool nests; /* the property's continuations are properties */
} Reader;

/* Space and tab are the blanks of the grammar. */
static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Removes blanks at both ends. */
static Run
trim(Run run)
{
	while (run.len > 0 && is_blank(run.start[0]))
		run = (Run){run.start + 1, run.len - 1};
	while (run.len > 0 && is_blank(run.start[run.len - 1]))
		run.len--;
	return run;
}

/* Removes blanks and a comment of a line; after_blank: only " #" begins one. */
static Run
without_comment(Run line, bool after_blank)
{
	line = trim(line);
	for (size_t i = 0; i < line.len; i++)
		if ((line.start[i] == '#' || line.start[i] == ';') &&
			(!after_blank || (i > 0 && is_blank(line.start[i - 1]))))
			line.len = i;
	return trim(line);
}

/* Splits a line into name and value. Returns NULL, or the problem. */
static const char *
split_property(Run line, bool nested, Run *name, Run *value)
{
	const char *equals;

	line = without_comment(line, true);
	equals = line.len > 0 ? memchr(line.start, '=', line.len) : NULL;
	if (equals == NULL)
		return nested ? "Expected an '=' sign defining a sub-property"
					  : "Expected an '=' sign defining a property";
	*name = trim((Run){line.start, (size_t) (equals - line.start)});
	*value =
		trim((Run){equals + 1, line.len - 1 - (size_t) (equals - line.start)});
	if (name->len == 0)
		return nested ? "Sub-property did not have a name"
					  : "Property did not have a name";
	return NULL;
}

/* Copies a run as a string, in lower case if it is a name. */
static char *
copy_run(Run run, bool fold)
{
	char *copy = malloc(run.len + 1);

	if (copy == NULL)
		return NULL;
	for (size_t i = 0; i < run.len; i++)
	{
		char c = run.start[i];

		copy[i] = fold && c >= 'A' && c <= 'Z' ? (char) (c - 'A' + 'a') : c;
	}
	copy[run.len] = '\0';
	return copy;
}

/* Returns the section of a kind and name; creates it if necessary. */
static HlProfile *
provide_profile(HlProfiles *profiles, HlProfileKind kind, Run name)
{
	HlProfile *larger;
	char *copy;

	for (int i = 0; i < profiles->count; i++)
		if (profiles->profiles[i].kind == kind &&
			strlen(profiles->profiles[i].name) == name.len &&
			memcmp(profiles->profiles[i].name, name.start, name.len) == 0)
			return &profiles->profiles[i];
	copy = copy_run(name, false);
	larger = realloc(profiles->profiles,
					 sizeof(HlProfile) * ((size_t) profiles->count + 1));
	if (larger != NULL)
		profiles->profiles = larger;
	if (larger == NULL || copy == NULL)
	{
		free(copy);
		return NULL;
	}
	larger[profiles->count] = (HlProfile){.kind = kind, .name = copy};
	return &larger[profiles->count++];
}

/* Returns the property of a name; creates it if necessary. */
static HlProfileProperty *
provide_property(HlProfile *profile, Run name)
{
	HlProfileProperty *larger;
	char *copy = copy_run(name, true);

	for (int i = 0; copy != NULL && i < profile->nproperties; i++)
		if (strcmp(profile->properties[i].name, copy) == 0)
		{
			free(copy);
			return &profile->properties[i];
		}
	larger =
		realloc(profile->properties, sizeof(HlProfileProperty) *
										 ((size_t) profile->nproperties + 1));
	if (larger != NULL)
		profile->properties = larger;
	if (larger == NULL || copy == NULL)
	{
		free(copy);
		return NULL;
	}
	larger[profile->nproperties] =
		(HlProfileProperty){.name = copy, .value = {.secret = true}};
	return &larger[profile->nproperties++];
}

/* Replaces a property's value; false: out of memory. */
static bool
replace_value(HlProfileProperty *property, Run value)
{
	hl_bytes_reset(&property->value);
	hl_bytes_append(&property->value, value.start, value.len);
	return !property->value.failed;
}

/* Reads "[name]", after which a comment may follow. */
static const char *
read_section_line(Reader *reader, Run line)
{
	line = without_comment(line, false);
	if (line.len < 2 || line.start[line.len - 1] != ']')
		return "Profile definition must end with ']'";
	reader->property = NULL;
	reader->section = provide_profile(&reader->sections, HL_PROFILE_PROFILE,
									  (Run){line.start + 1, line.len - 2});
	return reader->section == NULL ? NO_MEMORY : NULL;
}

/* Reads "name = value"; without a value its continuations are properties. */
static const char *
read_property_line(Reader *reader, Run line)
{
	const char *reason;
	Run name;
	Run value;

	if (reader->section == NULL)
		return "Expected a profile definition";
	reason = split_property(line, false, &name, &value);
	if (reason != NULL)
		return reason;
	reader->nests = value.len == 0;
	reader->property = provide_property(reader->section, name);
	if (reader->property == NULL || !replace_value(reader->property, value))
		return NO_MEMORY;
	return NULL;
}

/* Reads a line that begins with a blank; comments belong to its value. */
static const char *
read_continuation(Reader *reader, Run line)
{
	const char *reason = NULL;
	Run name;
	Run value;

	if (reader->section == NULL)
		return "Expected a profile definition";
	if (reader->property == NULL)
		return "Expected a property definition, found continuation";
	if (reader->nests)
		reason = split_property(line, true, &name, &value);
	if (reason != NULL)
		return reason;
	line = trim(line);
	hl_bytes_append_char(&reader->property->value, '\n');
	hl_bytes_append(&reader->property->value, line.start, line.len);
	return reader->property->value.failed ? NO_MEMORY : NULL;
}

/* Reads a line of any kind. */
static const char *
read_line(Reader *reader, Run line)
{
	if (trim(line).len == 0 || line.start[0] == '#' || line.start[0] == ';')
		return NULL;
	if (line.start[0] == '[')
		return read_section_line(reader, line);
	if (is_blank(line.start[0]))
		return read_continuation(reader, line);
	return read_property_line(reader, line);
}

/* Reads a file line by line; NULL if all is well. */
static const char *
read_lines(Reader *reader, Run text, int *line_number)
{
	const char *reason = NULL;

	*line_number = 0;
	while (text.len > 0 && reason == NULL)
	{
		const char *newline = memchr(text.start, '\n', text.len);
		size_t len =
			newline != NULL ? (size_t) (newline - text.start) : text.len;
		Run line = {text.start, len};

		if (line.len > 0 && line.start[line.len - 1] == '\r')
			line.len--;
		if (*line_number < INT_MAX)
			(*line_number)++;
		reason = read_line(reader, line);
		len += newline != NULL;
		text = (Run){text.start + len, text.len - len};
	}
	return reason;
}

/* Whether a run can be a name, of a profile or of a property. */
static bool
is_name(Run run)
{
	for (size_t i = 0; i < run.len; i++)
	{
		char c = run.start[i];

		if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
			  (c >= '0' && c <= '9')) &&
			strchr("-/.%@_:+", c) == NULL)
			return false;
	}
	return run.len > 0;
}

/* Whether a run is a given word. */
static bool
is_word(Run run, const char *word)
{
	return run.len == strlen(word) && memcmp(run.start, word, run.len) == 0;
}

/*
 * Determines kind and name of a section from the text in its brackets. In the
 * config file every name but "default" follows a word for its kind, in the
 * credentials file none does; other sections are ignored.
 */
static bool
read_section_name(HlProfileFile file, Run brackets, HlProfileKind *kind,
				  Run *name)
{
	Run word = trim(brackets);

	*kind = HL_PROFILE_PROFILE;
	*name = word;
	if (file == HL_PROFILE_CREDENTIALS || is_word(word, "default"))
		return is_name(word);
	while (word.len > 0 && !is_blank(word.start[word.len - 1]))
		word.len--;
	word = trim(word);
	*name =
		trim((Run){word.start + word.len,
				   name->len - (size_t) (word.start - name->start) - word.len});
	if (is_word(word, "sso-session"))
		*kind = HL_PROFILE_SSO_SESSION;
	else if (is_word(word, "services"))
		*kind = HL_PROFILE_SERVICES;
	else if (!is_word(word, "profile"))
		return false;
	return is_name(*name);
}

static Run
run_of(const char *string)
{
	return (Run){string, strlen(string)};
}

/* Whether a section is [default], without a word before its name. */
static bool
is_bare_default(const HlProfile *section)
{
	return is_word(trim(run_of(section->name)), "default");
}

/* Whether a file has a [profile default], which replaces [default]. */
static bool
has_prefixed_default(HlProfileFile file, const HlProfiles *sections)
{
	HlProfileKind kind;
	Run name;

	for (int i = 0; i < sections->count; i++)
		if (read_section_name(file, run_of(sections->profiles[i].name), &kind,
							  &name) &&
			kind == HL_PROFILE_PROFILE && is_word(name, "default") &&
			!is_bare_default(&sections->profiles[i]))
			return true;
	return false;
}

/* Copies the properties of a section, except those with invalid names. */
static bool
merge_properties(HlProfile *profile, const HlProfile *section,
				 HlProfileFile file)
{
	for (int i = 0; i < section->nproperties; i++)
	{
		const HlProfileProperty *from = &section->properties[i];
		HlProfileProperty *to;

		if (!is_name(run_of(from->name)))
			continue;
		to = provide_property(profile, run_of(from->name));
		if (to == NULL ||
			!replace_value(to, (Run){from->value.data, from->value.len}))
			return false;
		to->file = file;
	}
	return true;
}

/* Adds the sections of a file; false: out of memory. */
static bool
merge_sections(HlProfiles *profiles, HlProfileFile file,
			   const HlProfiles *sections)
{
	bool prefixed = has_prefixed_default(file, sections);

	for (int i = 0; i < sections->count; i++)
	{
		const HlProfile *section = &sections->profiles[i];
		HlProfile *profile;
		HlProfileKind kind;
		Run name;

		if (!read_section_name(file, run_of(section->name), &kind, &name) ||
			(prefixed && is_bare_default(section)))
			continue;
		profile = provide_profile(profiles, kind, name);
		if (profile == NULL || !merge_properties(profile, section, file))
			return false;
	}
	return true;
}

bool
hl_profile_read(HlProfiles *profiles, HlProfileFile file, const char *text,
				size_t len)
{
	Reader reader = {0};

	profiles->line = 0;
	if (len > 0 && memchr(text, '\0', len) != NULL)
		profiles->reason = "the file contains a zero byte";
	else
		profiles->reason =
			read_lines(&reader, (Run){text, len}, &profiles->line);
	if (profiles->reason == NULL &&
		!merge_sections(profiles, file, &reader.sections))
		profiles->reason = NO_MEMORY;
	profiles->no_memory = profiles->reason == NO_MEMORY;
	hl_profile_wipe(&reader.sections);
	return profiles->reason == NULL;
}

void
hl_profile_wipe(HlProfiles *profiles)
{
	for (int i = 0; i < profiles->count; i++)
	{
		HlProfile *profile = &profiles->profiles[i];

		for (int j = 0; j < profile->nproperties; j++)
		{
			free(profile->properties[j].name);
			hl_bytes_wipe(&profile->properties[j].value);
		}
		free(profile->properties);
		free(profile->name);
	}
	free(profiles->profiles);
	*profiles = (HlProfiles){0};
}

const HlProfile *
hl_profile_find(const HlProfiles *profiles, HlProfileKind kind,
				const char *name)
{
	for (int i = 0; i < profiles->count; i++)
		if (profiles->profiles[i].kind == kind &&
			strcmp(profiles->profiles[i].name, name) == 0)
			return &profiles->profiles[i];
	return NULL;
}

/* The property of a name, or NULL. */
static const HlProfileProperty *
find_property(const HlProfile *profile, const char *name)
{
	for (int i = 0; profile != NULL && i < profile->nproperties; i++)
		if (strcmp(profile->properties[i].name, name) == 0)
			return &profile->properties[i];
	return NULL;
}

const char *
hl_profile_value(const HlProfile *profile, const char *name)
{
	const HlProfileProperty *property = find_property(profile, name);

	return property != NULL ? hl_bytes_string(&property->value) : NULL;
}

const char *
hl_profile_value_from(const HlProfile *profile, HlProfileFile file,
					  const char *name)
{
	const HlProfileProperty *property = find_property(profile, name);

	return property != NULL && property->file == file
			   ? hl_bytes_string(&property->value)
			   : NULL;
}

/* Finds a property in the lines of a property; the last one counts. */
bool
hl_profile_nested_value(const HlProfile *profile, const char *property,
						const char *name, HlBytes *value)
{
	const char *line = hl_profile_value(profile, property);
	bool found = false;

	/* Only a property without a value of its own has properties. */
	while (line != NULL && *line == '\n')
	{
		size_t len = strcspn(++line, "\n");
		Run found_name;
		Run found_value;

		if (split_property((Run){line, len}, true, &found_name, &found_value) ==
			NULL)
		{
			char *folded = copy_run(found_name, true);

			if (folded != NULL && strcmp(folded, name) == 0)
			{
				hl_bytes_reset(value);
				hl_bytes_append(value, found_value.start, found_value.len);
				found = true;
			}
			free(folded);
		}
		line += len;
	}
	return found;
}

bool
hl_profile_add(HlProfiles *profiles, HlProfileKind kind, const char *name)
{
	return provide_profile(profiles, kind, run_of(name)) != NULL;
}

bool
hl_profile_set(HlProfiles *profiles, HlProfileKind kind, const char *profile,
			   const char *name, const char *value)
{
	HlProfile *section = provide_profile(profiles, kind, run_of(profile));
	HlProfileProperty *property =
		section != NULL ? provide_property(section, run_of(name)) : NULL;

	return property != NULL && replace_value(property, run_of(value));
}
