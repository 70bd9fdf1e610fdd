"""FHIR R4's resource types, and the search parameters that the emulator knows."""

TYPES = frozenset("""
Account ActivityDefinition AdverseEvent AllergyIntolerance Appointment AppointmentResponse
AuditEvent Basic Binary BiologicallyDerivedProduct BodyStructure Bundle CapabilityStatement
CarePlan CareTeam CatalogEntry ChargeItem ChargeItemDefinition Claim ClaimResponse
ClinicalImpression CodeSystem Communication CommunicationRequest CompartmentDefinition
Composition ConceptMap Condition Consent Contract Coverage CoverageEligibilityRequest
CoverageEligibilityResponse DetectedIssue Device DeviceDefinition DeviceMetric DeviceRequest
DeviceUseStatement DiagnosticReport DocumentManifest DocumentReference
EffectEvidenceSynthesis Encounter Endpoint EnrollmentRequest EnrollmentResponse EpisodeOfCare
EventDefinition Evidence EvidenceVariable ExampleScenario ExplanationOfBenefit
FamilyMemberHistory Flag Goal GraphDefinition Group GuidanceResponse HealthcareService
ImagingStudy Immunization ImmunizationEvaluation ImmunizationRecommendation
ImplementationGuide InsurancePlan Invoice Library Linkage List Location Measure MeasureReport
Media Medication MedicationAdministration MedicationDispense MedicationKnowledge
MedicationRequest MedicationStatement MessageDefinition MessageHeader MolecularSequence
NamingSystem NutritionOrder Observation ObservationDefinition OperationDefinition
OperationOutcome Organization OrganizationAffiliation Parameters Patient PaymentNotice
PaymentReconciliation Person PlanDefinition Practitioner PractitionerRole Procedure Provenance
Questionnaire QuestionnaireResponse RelatedPerson RequestGroup ResearchDefinition
ResearchElementDefinition ResearchStudy ResearchSubject RiskAssessment
RiskEvidenceSynthesis Schedule SearchParameter ServiceRequest Slot Specimen
SpecimenDefinition StructureDefinition StructureMap Subscription Substance
SubstanceNucleicAcid SubstancePolymer SubstanceProtein SubstanceReferenceInformation
SubstanceSourceMaterial SubstanceSpecification SupplyDelivery SupplyRequest Task
TerminologyCapabilities TestReport TestScript ValueSet VerificationResult VisionPrescription
""".split())
NEVER_STORED = frozenset(("OperationOutcome", "Parameters"))
NEVER_CHANGED = frozenset(("AuditEvent",))

# name: (kind, paths)
COMMON = {"_id": ("token", ("id",)), "_lastUpdated": ("date", ("meta.lastUpdated",)),
          "_tag": ("token", ("meta.tag",)), "_profile": ("uri", ("meta.profile",)),
          "_security": ("token", ("meta.security",)), "_source": ("uri", ("meta.source",)),
          "identifier": ("token", ("identifier",))}
SUBJECT = {"subject": ("reference", ("subject", "patient")),
           "patient": ("reference", ("subject", "patient")),
           "encounter": ("reference", ("encounter",)), "status": ("token", ("status",)),
           "code": ("token", ("code", "medicationCodeableConcept")),
           "category": ("token", ("category",))}
PERSON = {"name": ("string", ("name.family", "name.given", "name.text")),
          "family": ("string", ("name.family",)), "given": ("string", ("name.given",)),
          "gender": ("token", ("gender",)), "birthdate": ("date", ("birthDate",)),
          "active": ("token", ("active",)), "telecom": ("token", ("telecom",)),
          "address-city": ("string", ("address.city",))}
PARAMETERS = {
    "Patient": {**PERSON, "organization": ("reference", ("managingOrganization",)),
                "general-practitioner": ("reference", ("generalPractitioner",))},
    "Practitioner": PERSON,
    "Organization": {"name": ("string", ("name",)), "active": ("token", ("active",)),
                     "partof": ("reference", ("partOf",))},
    "Observation": {**SUBJECT, "performer": ("reference", ("performer",)),
                    "date": ("date", ("effectiveDateTime", "effectivePeriod", "effectiveInstant"))},
    "Encounter": {**SUBJECT, "class": ("token", ("class",)), "type": ("token", ("type",)),
                  "date": ("date", ("period",))},
    "Condition": {**SUBJECT, "clinical-status": ("token", ("clinicalStatus",)),
                  "onset-date": ("date", ("onsetDateTime", "onsetPeriod"))},
}
RESULT = frozenset(("_count", "page", "_sort", "_total", "_elements", "_summary", "_include",
                    "_revinclude"))


def parameters(kind):
    """The search parameters of a type, by name."""
    return {**COMMON, **PARAMETERS.get(kind, SUBJECT)}
