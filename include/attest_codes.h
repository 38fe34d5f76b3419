/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every outcome of attest_verify: constant, stable name, what it means. Names never change their
 * meaning; new ones may be added. Included through attest.h.
 */
#define ATTEST_CODES(X)                                                                            \
    X(ACCEPTED, "accepted", "the evidence is genuine and satisfies the policy")                    \
    X(POLICY_ABSENT, "policy.absent", "there is no policy, so nothing is accepted")                \
    X(POLICY_TECHNOLOGY, "policy.technology", "the policy has no rules for this technology")       \
    X(EVIDENCE_FORMAT, "evidence.format", "the bytes are no evidence of a known kind")             \
    X(EVIDENCE_ABSENT, "evidence.absent", "the request or certificate carries no evidence")        \
    X(EVIDENCE_EXTENSION, "evidence.extension", "an extension of the request is not allowed")      \
    X(EVIDENCE_BINDING, "evidence.binding", "the evidence does not vouch for the key")             \
    X(EVIDENCE_UNBOUND, "evidence.unbound", "the evidence names no workload")                      \
    X(EVIDENCE_CLAIMS, "evidence.claims", "the claims about the workload cannot be read")          \
    X(EVIDENCE_WORKLOAD, "evidence.workload", "the workload is not one that the policy allows")    \
    X(EVIDENCE_INSECURE, "evidence.insecure", "the Keep has no hardware protection")               \
    X(REQUEST_FORMAT, "request.format", "the certification request cannot be read")                \
    X(REQUEST_SIGNATURE, "request.signature", "the request is not signed with its own key")        \
    X(REQUEST_KEY, "request.key", "the key is weaker than, or of another kind than, the evidence") \
    X(CERTIFICATE_FORMAT, "certificate.format", "a certificate cannot be read")                    \
    X(CERTIFICATE_UNTRUSTED, "certificate.untrusted", "no pinned root vouches for a certificate")  \
    X(CERTIFICATE_SIGNATURE, "certificate.signature", "a certificate's signature is wrong")        \
    X(CERTIFICATE_NOT_YET_VALID, "certificate.not_yet_valid", "a certificate is not valid yet")    \
    X(CERTIFICATE_EXPIRED, "certificate.expired", "a certificate is not valid any more")           \
    X(CERTIFICATE_AUTHORITY, "certificate.authority", "a certificate may not sign certificates")   \
    X(CERTIFICATE_PATH_LENGTH, "certificate.path_length", "a chain is longer than it may be")      \
    X(CERTIFICATE_CRITICAL, "certificate.critical", "a critical extension is not understood")      \
    X(CERTIFICATE_REVOKED, "certificate.revoked", "a certificate was revoked by its issuer")       \
    X(CRL_MISSING, "crl.missing", "the list of an issuer's revoked certificates is missing")       \
    X(CRL_SIGNATURE, "crl.signature", "a revocation list's signature is wrong")                    \
    X(CRL_NOT_YET_VALID, "crl.not_yet_valid", "a revocation list is from the future")              \
    X(CRL_EXPIRED, "crl.expired", "a revocation list is too old")                                  \
    X(SNP_REPORT_SIZE, "snp.report.size", "the report has the wrong size")                         \
    X(SNP_REPORT_VERSION, "snp.report.version", "the report has an unknown version")               \
    X(SNP_REPORT_RESERVED, "snp.report.reserved", "a reserved field of the report is not zero")    \
    X(SNP_REPORT_ALGORITHM, "snp.report.algorithm", "the report's signature algorithm is unknown") \
    X(SNP_REPORT_UNSIGNED, "snp.report.unsigned", "the host made the firmware not sign reports")   \
    X(SNP_REPORT_KEY, "snp.report.key", "the report names an unknown signing key")                 \
    X(SNP_REPORT_HOST, "snp.report.host", "the host asked for the report, not the guest")          \
    X(SNP_REPORT_SIGNATURE, "snp.report.signature", "the report's signature is wrong")             \
    X(SNP_REPORT_PRODUCT, "snp.report.product", "the report's processor is unknown or another's")  \
    X(SNP_REPORT_TCB, "snp.report.tcb", "the report's TCB versions contradict each other")         \
    X(SNP_REPORT_ABI, "snp.report.abi", "the firmware is older than the guest's policy demands")   \
    X(SNP_VEK_MISSING, "snp.vek.missing", "the certificate of the report's key is missing")        \
    X(SNP_VEK_KIND, "snp.vek.kind", "the certificate is not of the key that signed the report")    \
    X(SNP_VEK_EXTENSION, "snp.vek.extension", "an extension of the VCEK or VLEK cannot be read")   \
    X(SNP_VEK_PRODUCT, "snp.vek.product", "the VCEK or VLEK is of another product")                \
    X(SNP_VEK_TCB, "snp.vek.tcb", "the VCEK or VLEK was made for another TCB")                     \
    X(SNP_VEK_CHIP, "snp.vek.chip", "the VCEK is of another chip")                                 \
    X(SNP_VEK_PROVIDER, "snp.vek.provider", "the VLEK's cloud provider is not allowed")            \
    X(SNP_POLICY_RESERVED, "snp.policy.reserved", "the guest policy has unknown or missing bits")  \
    X(SNP_POLICY_DEBUG, "snp.policy.debug", "the guest may be debugged by the host")               \
    X(SNP_POLICY_MIGRATION, "snp.policy.migration", "a migration agent may move the guest")        \
    X(SNP_POLICY_FLAGS, "snp.policy.flags", "the guest policy has flags that are not allowed")     \
    X(SNP_POLICY_REQUIRED, "snp.policy.required", "the guest policy lacks a demanded restriction") \
    X(SNP_POLICY_ABI, "snp.policy.abi", "the guest policy's ABI version is not allowed")           \
    X(SNP_MIGRATION_AGENT, "snp.migration_agent", "the guest has a migration agent")               \
    X(SNP_VMPL, "snp.vmpl", "the report is from a less privileged level than allowed")             \
    X(SNP_PRODUCT, "snp.product", "the policy does not allow this generation of processors")       \
    X(SNP_TCB_MINIMUM, "snp.tcb.minimum", "the firmware or microcode is older than allowed")       \
    X(SNP_PLATFORM, "snp.platform", "the platform's settings are not those that are demanded")     \
    X(SNP_MITIGATION, "snp.mitigation", "a demanded mitigation is not active")                     \
    X(SNP_CHIP, "snp.chip", "the policy does not allow this chip")                                 \
    X(SNP_GUEST_SVN, "snp.guest_svn", "the guest's security version is too low")                   \
    X(SNP_MEASUREMENT, "snp.measurement", "the launch measurement is not allowed")                 \
    X(SNP_AUTHOR_KEY, "snp.author_key", "the author key is not one of those that are allowed")     \
    X(SNP_ID_KEY, "snp.id_key", "the ID key is not allowed")                                       \
    X(SNP_ID, "snp.id", "the family or image id is not the one that is demanded")                  \
    X(SNP_HOST_DATA, "snp.host_data", "the host data is not what is demanded")                     \
    X(QUOTE_SIZE, "quote.size", "a length in the quote is wrong")                                  \
    X(QUOTE_VERSION, "quote.version", "the quote has an unknown version or kind")                  \
    X(QUOTE_KEY_TYPE, "quote.key_type", "the quote's attestation key is of an unknown kind")       \
    X(QUOTE_VENDOR, "quote.vendor", "the quote is from an unknown quoting enclave")                \
    X(QUOTE_RESERVED, "quote.reserved", "a reserved field of the quote is not zero")               \
    X(QUOTE_TRAILING, "quote.trailing", "there are bytes after the quote")                         \
    X(QUOTE_CERTIFICATION, "quote.certification", "the quote carries no certificate chain")        \
    X(QUOTE_CHAIN, "quote.chain", "the chain in the quote is not the one to the root")             \
    X(QUOTE_SIGNATURE, "quote.signature", "the quote's signature is wrong")                        \
    X(QE_BINDING, "qe.binding", "the quoting enclave does not vouch for the attestation key")      \
    X(QE_SIGNATURE, "qe.signature", "the signature of the quoting enclave's report is wrong")      \
    X(QE_RESERVED, "qe.reserved", "a reserved field of the quoting enclave's report is not zero")  \
    X(QE_IDENTITY, "qe.identity", "the quoting enclave is not Intel's")                            \
    X(QE_STATUS, "qe.status", "the quoting enclave is too old")                                    \
    X(QE_IDENTITY_MISSING, "qe_identity.missing",                                                  \
      "the identity of the quoting enclave is missing")                                            \
    X(QE_IDENTITY_FORMAT, "qe_identity.format", "the identity document cannot be read")            \
    X(QE_IDENTITY_SIGNATURE, "qe_identity.signature",                                              \
      "the identity document's signature is wrong")                                                \
    X(QE_IDENTITY_NOT_YET_VALID, "qe_identity.not_yet_valid", "the identity is from the future")   \
    X(QE_IDENTITY_EXPIRED, "qe_identity.expired", "the identity document is too old")              \
    X(PCK_EXTENSION, "pck.extension", "the PCK certificate's SGX extension cannot be read")        \
    X(PCK_KIND, "pck.kind", "the certificate in the quote is not a PCK certificate")               \
    X(TCB_INFO_MISSING, "tcb_info.missing", "the TCB info of the platform is missing")             \
    X(TCB_INFO_FORMAT, "tcb_info.format", "the TCB info cannot be read")                           \
    X(TCB_INFO_SIGNATURE, "tcb_info.signature", "the TCB info's signature is wrong")               \
    X(TCB_INFO_NOT_YET_VALID, "tcb_info.not_yet_valid", "the TCB info is from the future")         \
    X(TCB_INFO_EXPIRED, "tcb_info.expired", "the TCB info is too old")                             \
    X(TCB_NOT_SUPPORTED, "tcb.not_supported", "the platform is below every known TCB level")       \
    X(TCB_REVOKED, "tcb.revoked", "the platform's TCB level is revoked")                           \
    X(TCB_STATUS, "tcb.status", "the platform's TCB status is not allowed")                        \
    X(TCB_ADVISORY, "tcb.advisory", "a security advisory applies that is not allowed")             \
    X(TCB_EVALUATION, "tcb.evaluation", "the collateral predates the minimum TCB evaluation")      \
    X(SGX_RESERVED, "sgx.reserved", "a reserved field of the enclave's report is not zero")        \
    X(SGX_INIT, "sgx.init", "the enclave is not initialised")                                      \
    X(SGX_DEBUG, "sgx.debug", "the enclave can be debugged by the host")                           \
    X(SGX_ATTRIBUTES, "sgx.attributes", "the enclave has attributes that are not allowed")         \
    X(SGX_MISC_SELECT, "sgx.misc_select", "the enclave has features that are not allowed")         \
    X(SGX_CONFIG, "sgx.config", "the enclave has a configuration or family id, set by the host")   \
    X(SGX_MEASUREMENT, "sgx.measurement", "MRENCLAVE is not allowed")                              \
    X(SGX_SIGNER, "sgx.signer", "MRSIGNER is not allowed")                                         \
    X(SGX_PRODUCT, "sgx.product", "ISVPRODID is not the one that is demanded")                     \
    X(SGX_SVN, "sgx.svn", "ISVSVN is too low")                                                     \
    X(SGX_PLATFORM, "sgx.platform", "hyper-threading is on and the policy forbids it")             \
    X(TDX_MODULE, "tdx.module", "the TDX module is not Intel's")                                   \
    X(TDX_MODULE_STATUS, "tdx.module_status", "the TDX module is too old")                         \
    X(TDX_RESERVED, "tdx.reserved", "a reserved field or bit of the TD report is not zero")        \
    X(TDX_DEBUG, "tdx.debug", "the trust domain can be debugged by the host")                      \
    X(TDX_MIGRATION, "tdx.migration", "the trust domain may be migrated")                          \
    X(TDX_ATTRIBUTES, "tdx.attributes", "the trust domain's attributes are not allowed")           \
    X(TDX_SERVICE, "tdx.service", "a service trust domain is bound to this one")                   \
    X(TDX_OWNER, "tdx.owner", "MRCONFIGID, MROWNER or MROWNERCONFIG is not what is demanded")      \
    X(TDX_MEASUREMENT, "tdx.measurement", "MRTD is not allowed")                                   \
    X(TDX_REGISTER, "tdx.register", "a run-time measurement register is not what is demanded")     \
    X(INTERNAL, "internal", "the cryptographic library failed, for example for lack of memory")
