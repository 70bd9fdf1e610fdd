/*
 * types.c
 *	  The resource types of FHIR R4.
 *
 * https://hl7.org/fhir/R4/resourcelist.html
 */
#include "postgres.h"

#include "fhir/types.h"
#include "server/settings.h"
#include "server/text.h"

#define LONGEST_TYPE 64
#define LONGEST_ID 64

/* In byte order, for bsearch(). */
static const char *const type_names[] = {
	"Account",
	"ActivityDefinition",
	"AdverseEvent",
	"AllergyIntolerance",
	"Appointment",
	"AppointmentResponse",
	"AuditEvent",
	"Basic",
	"Binary",
	"BiologicallyDerivedProduct",
	"BodyStructure",
	"Bundle",
	"CapabilityStatement",
	"CarePlan",
	"CareTeam",
	"CatalogEntry",
	"ChargeItem",
	"ChargeItemDefinition",
	"Claim",
	"ClaimResponse",
	"ClinicalImpression",
	"CodeSystem",
	"Communication",
	"CommunicationRequest",
	"CompartmentDefinition",
	"Composition",
	"ConceptMap",
	"Condition",
	"Consent",
	"Contract",
	"Coverage",
	"CoverageEligibilityRequest",
	"CoverageEligibilityResponse",
	"DetectedIssue",
	"Device",
	"DeviceDefinition",
	"DeviceMetric",
	"DeviceRequest",
	"DeviceUseStatement",
	"DiagnosticReport",
	"DocumentManifest",
	"DocumentReference",
	"EffectEvidenceSynthesis",
	"Encounter",
	"Endpoint",
	"EnrollmentRequest",
	"EnrollmentResponse",
	"EpisodeOfCare",
	"EventDefinition",
	"Evidence",
	"EvidenceVariable",
	"ExampleScenario",
	"ExplanationOfBenefit",
	"FamilyMemberHistory",
	"Flag",
	"Goal",
	"GraphDefinition",
	"Group",
	"GuidanceResponse",
	"HealthcareService",
	"ImagingStudy",
	"Immunization",
	"ImmunizationEvaluation",
	"ImmunizationRecommendation",
	"ImplementationGuide",
	"InsurancePlan",
	"Invoice",
	"Library",
	"Linkage",
	"List",
	"Location",
	"Measure",
	"MeasureReport",
	"Media",
	"Medication",
	"MedicationAdministration",
	"MedicationDispense",
	"MedicationKnowledge",
	"MedicationRequest",
	"MedicationStatement",
	"MedicinalProduct",
	"MedicinalProductAuthorization",
	"MedicinalProductContraindication",
	"MedicinalProductIndication",
	"MedicinalProductIngredient",
	"MedicinalProductInteraction",
	"MedicinalProductManufactured",
	"MedicinalProductPackaged",
	"MedicinalProductPharmaceutical",
	"MedicinalProductUndesirableEffect",
	"MessageDefinition",
	"MessageHeader",
	"MolecularSequence",
	"NamingSystem",
	"NutritionOrder",
	"Observation",
	"ObservationDefinition",
	"OperationDefinition",
	"OperationOutcome",
	"Organization",
	"OrganizationAffiliation",
	"Parameters",
	"Patient",
	"PaymentNotice",
	"PaymentReconciliation",
	"Person",
	"PlanDefinition",
	"Practitioner",
	"PractitionerRole",
	"Procedure",
	"Provenance",
	"Questionnaire",
	"QuestionnaireResponse",
	"RelatedPerson",
	"RequestGroup",
	"ResearchDefinition",
	"ResearchElementDefinition",
	"ResearchStudy",
	"ResearchSubject",
	"RiskAssessment",
	"RiskEvidenceSynthesis",
	"Schedule",
	"SearchParameter",
	"ServiceRequest",
	"Slot",
	"Specimen",
	"SpecimenDefinition",
	"StructureDefinition",
	"StructureMap",
	"Subscription",
	"Substance",
	"SubstanceNucleicAcid",
	"SubstancePolymer",
	"SubstanceProtein",
	"SubstanceReferenceInformation",
	"SubstanceSourceMaterial",
	"SubstanceSpecification",
	"SupplyDelivery",
	"SupplyRequest",
	"Task",
	"TerminologyCapabilities",
	"TestReport",
	"TestScript",
	"ValueSet",
	"VerificationResult",
	"VisionPrescription",
};

static int
compare_names(const void *name, const void *row)
{
	return strcmp(name, *(const char *const *) row);
}

/* The list is in the order of its bytes, so each row is compared. */
bool
hl_fhir_is_listed_as(const char *type)
{
	for (size_t i = 0; i < lengthof(type_names); i++)
		if (pg_strcasecmp(type_names[i], type) == 0)
			return true;
	return false;
}

bool
hl_fhir_is_listed(const char *type)
{
	return bsearch(type, type_names, lengthof(type_names), sizeof(char *),
				   compare_names) != NULL;
}

/* Whether a name has the form of a type. */
static bool
is_type_name(const char *type)
{
	size_t len = strlen(type);

	if (len == 0 || len > LONGEST_TYPE || type[0] < 'A' || type[0] > 'Z')
		return false;
	for (size_t i = 1; i < len; i++)
		if (!((type[i] >= 'A' && type[i] <= 'Z') ||
			  (type[i] >= 'a' && type[i] <= 'z')))
			return false;
	return true;
}

bool
hl_fhir_is_type(const char *type)
{
	return hl_fhir_is_listed(type) ||
		   (hl_settings.unknown_members == HL_UNKNOWN_SEND &&
			is_type_name(type));
}

bool
hl_fhir_is_id(const char *id)
{
	size_t len = strlen(id);

	if (len == 0 || len > LONGEST_ID || strcmp(id, ".") == 0 ||
		strcmp(id, "..") == 0)
		return false;
	for (size_t i = 0; i < len; i++)
		if (!((id[i] >= 'A' && id[i] <= 'Z') ||
			  (id[i] >= 'a' && id[i] <= 'z') ||
			  (id[i] >= '0' && id[i] <= '9') || id[i] == '-' || id[i] == '.'))
			return false;
	return true;
}

/*
 * Quotes the text only if it has the form of a type: if arguments were swapped
 * it is an id, which may identify a person.
 */
void
hl_fhir_check_type(const char *type)
{
	size_t len = strspn(type, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
							  "abcdefghijklmnopqrstuvwxyz");
	bool quotable = len > 0 && len <= LONGEST_TYPE && type[len] == '\0';

	if (!hl_fhir_is_type(type))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 quotable ? errmsg("\"%s\" is not a FHIR resource type", type)
						  : errmsg("invalid FHIR resource type"),
				 errhint("Types are spelled as in FHIR R4, such as Patient.")));
}

/* Refuses an invalid id, without quoting it, since it may identify a person. */
static void
refuse_id(const char *what)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("invalid FHIR %s", what),
					errdetail("It has 1 to 64 letters, digits, hyphens and "
							  "dots.")));
}

void
hl_fhir_check_id(const char *id)
{
	if (!hl_fhir_is_id(id))
		refuse_id("resource id");
}

void
hl_fhir_check_version(const char *version)
{
	if (!hl_fhir_is_id(version))
		refuse_id("version id");
}

bool
hl_fhir_is_written_once(const char *type)
{
	return strcmp(type, "AuditEvent") == 0;
}
